"""Boxes, the losses and targets of detectors, scores of masks and boxes, composed scenes, and their pictures."""

import itertools

import keras
import numpy as np
import pytest

from benchmarks import dense
from keras_ssl import boxes, checks, data, evaluate, losses, networks
from keras_ssl.errors import UserError
from keras_ssl.figures import plots

RNG = np.random.default_rng(0)


# ---- boxes -----------------------------------------------------------------------------------------------------------

BY_FORMAT = {
    "xyxy": [2, 1, 6, 4],
    "xywh": [2, 1, 4, 3],
    "center_xywh": [4, 2.5, 4, 3],
    "rel_xyxy": [0.25, 0.25, 0.75, 1],
}


@pytest.mark.parametrize(("source", "target"), itertools.product(BY_FORMAT, BY_FORMAT))
def test_formats_of_boxes_by_hand(source, target):
    given = np.array([[BY_FORMAT[source]]], "float32")
    found = boxes.convert(given, source, target, (4, 8, 3))
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, [[BY_FORMAT[target]]])
    np.testing.assert_allclose(
        np.array(boxes.convert(keras.ops.convert_to_tensor(given), source, target, (4, 8))), found
    )


def test_wrong_formats_are_clear_errors():
    for call, message in [
        (lambda: boxes.convert([[0, 0, 1, 1]], "xyxy", "yxyx"), "among xyxy"),
        (lambda: boxes.convert([[0, 0, 1, 1]], "xyxy", "rel_xyxy"), "image_shape"),
        (lambda: boxes.convert([[0, 0, 1]], "xyxy", "xywh"), r"\(…, 4\)"),
        (lambda: checks.check_boxes([[0, 0, 1]], (4, 4)), r"\(m, 4\)"),
        (lambda: checks.check_boxes([[0, 0, 1, 1], [3, 3, 2, 4]], (4, 4)), r"\(3, 3, 2, 4\) at index 1"),
        (lambda: checks.check_boxes([[1, 1, 3, 3]], (4, 4), "rel_xyxy"), "format is 'rel_xyxy'"),
    ]:
        with pytest.raises(UserError, match=message):
            call()
    np.testing.assert_array_equal(checks.check_boxes([[1, 0, 3, 4]], (4, 4)), [[0.25, 0, 0.75, 1]])


def test_overlaps_by_hand():
    found = boxes.iou([[0, 0, 2, 2], [1, 1, 1, 3]], [[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 3, 3]])
    np.testing.assert_allclose(found, [[1, 1 / 3, 0], [0, 0, 0]])


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_targets_of_an_object_by_hand():
    # 4 columns of which the object takes 1 to 3, 2 rows of which it takes all: its center is (2, 1)
    found = losses.center_targets(np.array([[[0.25, 0, 0.75, 1, 1], [0, 0, 0, 0, -1]]], "float32"), 2, 4, 2, spread=3.0)
    heatmap = np.array(found.heatmap)
    sigma = 1.0  # 3 / 6 of 2 cells, both ways
    column, row = np.meshgrid(np.arange(4), np.arange(2))
    np.testing.assert_allclose(
        heatmap[0, :, :, 1], np.exp(-((column - 2) ** 2 + (row - 1) ** 2) / (2 * sigma**2)), rtol=1e-5
    )
    assert heatmap[0, 1, 2, 1] == 1
    assert heatmap[..., 0].max() == 0
    assert np.array(found.cells)[0, 0] == 1 * 4 + 2
    np.testing.assert_allclose(found.geometry[0, 0], [0, 0, 2, 2])
    np.testing.assert_array_equal(found.known, [[1, 0]])


def test_targets_of_several_objects_are_the_highest_of_theirs():
    both = np.array([[[0, 0, 0.5, 0.5, 0], [0.25, 0.25, 1, 1, 0], [0.9, 0.9, 1, 1, 2]]], "float32")
    together = np.array(losses.center_targets(both, 8, 8, 3).heatmap)
    alone = [np.array(losses.center_targets(both[:, k : k + 1], 8, 8, 3).heatmap) for k in range(3)]
    np.testing.assert_array_equal(together, np.max(alone, axis=0))
    np.testing.assert_array_equal(np.array(losses.center_targets(both[:, ::-1], 8, 8, 3).heatmap), together)


def focal(p, y):
    """An independent reference of Eq. 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.where(y == 1, (1 - p) ** 2 * np.log(p), (1 - y) ** 4 * p**2 * np.log(1 - p)).sum(axis=(1, 2, 3))


def test_the_focal_loss_by_hand_and_by_reference():
    one = np.zeros((1, 1, 2, 1), "float32")
    y = np.array([1, 0.5], "float32").reshape(one.shape)
    # p = 1/2 in both cells: 1/4 log 2 at the center, and 1/16 of 1/4 log 2 beside it
    assert np.array(losses.center_focal(one, y))[0] == pytest.approx((1 + 1 / 16) * np.log(2) / 4, rel=1e-6)
    logits = RNG.normal(0, 2, (3, 4, 5, 2)).astype("float32")
    heatmap = RNG.random((3, 4, 5, 2)).astype("float32") ** 3
    heatmap[:, 1, 2, 0] = 1
    expected = focal(1 / (1 + np.exp(-logits.astype("float64"))), heatmap)
    np.testing.assert_allclose(losses.center_focal(logits, heatmap), expected, rtol=1e-5)  # sums of 40 in float32
    far = np.array(losses.center_focal(np.where(heatmap == 1, 200.0, -200.0).astype("float32"), heatmap))
    np.testing.assert_allclose(far, 0, atol=1e-6)
    assert np.isfinite(np.array(losses.center_focal(np.where(heatmap == 1, -200.0, 200.0), heatmap))).all()


def test_the_loss_of_an_image_is_divided_by_its_objects_and_right_maps_cost_nothing():
    labels = np.array([[[0, 0, 0.5, 0.5, 0], [0.5, 0.5, 1, 1, 1]], [[0, 0, 1, 1, 0], [0, 0, 0, 0, -1]]], "float32")
    target = losses.center_targets(labels, 4, 4, 2)
    maps = np.full((2, 4, 4, 6), -30.0, "float32")
    maps[..., :2][np.array(target.heatmap) == 1] = 30
    for image, cell, geometry in [(0, 5, 0), (0, 15, 1), (1, 10, 0)]:
        maps[image].reshape(16, 6)[cell, 2:] = target.geometry[image, geometry]
    loss = losses.CenterLoss(size_weight=0.5, place_weight=3.0)
    np.testing.assert_allclose(loss.call(labels, maps), 0, atol=1e-6)
    wrong = maps.copy()
    wrong[:, :, :, 4] += 1  # widths
    wrong[:, :, :, 3] += 0.5  # places down
    np.testing.assert_allclose(loss.call(labels, wrong), [0.5 + 3 * 0.5] * 2, rtol=1e-5)  # each object has it once
    np.testing.assert_allclose(float(loss(labels, wrong)), 2.0, rtol=1e-5)
    again = losses.CenterLoss.from_config(loss.get_config())
    assert (again.size_weight, again.place_weight) == (0.5, 3.0)
    with pytest.raises(UserError, match="size_weight"):
        losses.CenterLoss(size_weight=-1)


# ---- scores ----------------------------------------------------------------------------------------------------------


def test_scores_of_masks_by_hand():
    true = np.array([[[0, 0, 1], [1, -1, 2]]])
    predicted = np.array([[[0, 1, 1], [1, 0, 0]]])
    found = evaluate.segmentation_scores(true, predicted, names=["ground", "cat", "dog", "cow"])
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["classes"]["ground"] == pytest.approx({"iou": 1 / 3, "dice": 1 / 2, "count": 2})
    assert found["classes"]["cat"] == pytest.approx({"iou": 2 / 3, "dice": 4 / 5, "count": 2})
    assert found["classes"]["dog"] == {"iou": 0, "dice": 0, "count": 1}
    assert "cow" not in found["classes"]
    assert found["mean_iou"] == pytest.approx(1 / 3)
    assert found["mean_dice"] == pytest.approx(1.3 / 3)


def test_dice_is_the_f1_score_of_pixels_and_iou_the_jaccard_score():
    from sklearn import metrics

    true, predicted = RNG.integers(0, 3, (2, 4, 5, 6))
    found = evaluate.segmentation_scores(true, predicted)
    assert found["mean_dice"] == pytest.approx(metrics.f1_score(true.ravel(), predicted.ravel(), average="macro"))
    assert found["mean_iou"] == pytest.approx(metrics.jaccard_score(true.ravel(), predicted.ravel(), average="macro"))


SQUARE = [0, 0, 10, 10]


def shifted(pixels):
    """IoU with `SQUARE` (10 - pixels) / (10 + pixels)."""
    return [pixels, 0, 10 + pixels, 10]


def scored(true, found, labels=None):
    """Boxes of one class; `found` are pairs of a box and its score, for each image."""
    labels = [[0] * len(one) for one in true] if labels is None else labels
    parts = {
        "boxes": [[box for box, _ in one] for one in found],
        "scores": [[score for _, score in one] for one in found],
        "classes": [[0] * len(one) for one in found],
    }
    return evaluate.detection_scores(true, labels, parts)


@pytest.mark.parametrize(
    ("true", "found", "ap_50", "ap"),
    [
        ([[SQUARE]], [[(SQUARE, 0.3)]], 1, 1),
        ([[SQUARE]], [[]], 0, 0),
        ([[SQUARE]], [[(shifted(2), 0.9)]], 1, 0.4),  # IoU 2/3: right at 0.5, 0.55, 0.6, 0.65
        ([[SQUARE]], [[(shifted(4), 0.9)]], 0, 0),  # IoU 3/7
        # a wrong box before the right one: precision 1/2 at every recall
        ([[SQUARE]], [[(shifted(20), 0.9), (SQUARE, 0.8)]], 0.5, 0.5),
        # after it: precision 1
        ([[SQUARE]], [[(shifted(20), 0.7), (SQUARE, 0.8)]], 1, 1),
        # the same object twice: one of the boxes is wrong, but only after full recall
        ([[SQUARE]], [[(SQUARE, 0.9), (SQUARE, 0.8)]], 1, 1),
        # one of two objects: precision 1 at the 51 recalls up to 0.5, then 0
        ([[SQUARE], [SQUARE]], [[(SQUARE, 0.9)], []], 51 / 101, 51 / 101),
        # the box is in the other image
        ([[SQUARE], []], [[], [(SQUARE, 0.9)]], 0, 0),
        # right, wrong, right: precision 1 up to recall 0.5, then 2/3
        (
            [[SQUARE, shifted(50)]],
            [[(SQUARE, 0.9), (shifted(20), 0.8), (shifted(50), 0.7)]],
            *[(51 + 50 * 2 / 3) / 101] * 2,
        ),
    ],
)
def test_average_precisions_by_hand(true, found, ap_50, ap):
    scores = scored(true, found)
    assert scores["map_50"] == pytest.approx(ap_50)
    assert scores["map"] == pytest.approx(ap)


def test_scores_of_two_classes_and_four_images_are_cocos_by_hand():
    # class 0 has three objects: the first is found at IoU 1, the second at 2/3, the third is not; best first, its
    # boxes are right, wrong (in the image without objects), and right up to the threshold 0.65
    # class 1 has one object, found after a wrong box; class 2 has none, so its box does not count
    true = [[SQUARE, shifted(50)], [SQUARE], [], [SQUARE]]
    labels = [[0, 0], [0], [], [1]]
    found = {
        "boxes": [[SQUARE, shifted(52)], [], [SQUARE, SQUARE, [0] * 4], [shifted(20), SQUARE]],
        "scores": [[0.9, 0.6], [], [0.7, 0.9, 0], [0.8, 0.5]],
        "classes": [[0, 0], [], [0, 2, -1], [1, 1]],
    }
    # precision 1 at the recalls 0 to 0.33, 2/3 at 0.34 to 0.66, and 0 beyond; above 0.65 only the first part
    first, both = 34 / 101, (34 + 33 * 2 / 3) / 101
    scores = evaluate.detection_scores(true, labels, found)
    assert scores["classes"]["0"] == pytest.approx({"ap": (4 * both + 6 * first) / 10, "ap_50": both, "count": 3})
    assert scores["classes"]["1"] == {"ap": 0.5, "ap_50": 0.5, "count": 1}
    assert scores["map_50"] == pytest.approx((both + 0.5) / 2)


def test_a_box_takes_the_best_object_that_is_free():
    near, far = shifted(1), shifted(3)  # IoU with the square: 9/11 and 7/13
    # the first box takes the square, so the second, which overlaps it more than `far`, takes that
    found = scored([[SQUARE, far]], [[(SQUARE, 0.9), (near, 0.8)]])
    assert found["map_50"] == 1


def test_average_precision_is_a_mean_over_classes_that_there_are():
    found = {"boxes": np.array([[SQUARE, shifted(50), SQUARE]]), "scores": [[0.9, 0.8, 0.7]], "classes": [[1, 3, -1]]}
    scores = evaluate.detection_scores([[SQUARE, SQUARE]], [[1, 2]], found, names=["a", "b", "c", "d"])
    assert scores["map"] == 0.5
    assert scores["classes"] == {"b": {"ap": 1, "ap_50": 1, "count": 1}, "c": {"ap": 0, "ap_50": 0, "count": 1}}
    relative = {**found, "boxes": [boxes.convert(found["boxes"][0] / 1.0, "xyxy", "rel_xyxy", (70, 90))]}
    true = [boxes.convert(np.array([SQUARE, SQUARE]) / 1.0, "xyxy", "rel_xyxy", (70, 90))]
    assert evaluate.detection_scores(true, [[1, 2]], relative, "rel_xyxy")["map"] == 0.5


def test_scores_of_random_boxes_fall_with_the_threshold_and_do_not_depend_on_the_order():
    def some(n):
        first = RNG.uniform(0, 20, (n, 2))
        return np.concatenate([first, first + RNG.uniform(5, 15, (n, 2))], axis=1)

    true = [some(5) for _ in range(6)]
    found = {
        "boxes": [np.concatenate([one + RNG.normal(0, 1, one.shape), some(3)]) for one in true],
        "scores": [RNG.random(8) for _ in true],
        "classes": [np.zeros(8, int)] * 6,
    }
    labels = [np.zeros(5, int)] * 6
    scores = evaluate.detection_scores(true, labels, found)
    assert 0 < scores["map"] < scores["map_50"] < 1
    order = [RNG.permutation(8) for _ in true]
    mixed = {key: [one[k] for one, k in zip(part, order)] for key, part in found.items()}
    assert evaluate.detection_scores(true, labels, mixed) == scores


def test_scores_of_what_does_not_fit_are_clear_errors():
    masks = np.zeros((1, 2, 2), int)
    found = {"boxes": [[SQUARE]], "scores": [[0.5]], "classes": [[0]]}
    for call, message in [
        (lambda: evaluate.segmentation_scores(masks, masks[:, :1]), "integers"),
        (lambda: evaluate.segmentation_scores(masks, masks / 2), "argmax"),
        (lambda: evaluate.segmentation_scores(masks - 1, masks), "-1 alone"),
        (lambda: evaluate.segmentation_scores(masks, masks - 1), r"0\.\."),
        (lambda: evaluate.segmentation_scores(masks, masks + 2, classes=2), r"0\.\.1"),
        (lambda: evaluate.detection_scores([[SQUARE]], [[0]], [[SQUARE]]), "'scores'"),
        (lambda: evaluate.detection_scores([[]], [[]], found), "at least one true box"),
        (lambda: evaluate.detection_scores([[[20, 20, 5, 5]]], [[0]], found), "area.*format is 'xyxy'"),
        (lambda: evaluate.detection_scores([[SQUARE]] * 2, [[0]] * 2, found), "same images"),
        (lambda: evaluate.detection_scores([[SQUARE]], [[0, 1]], found), "in image 0"),
        (lambda: evaluate.detection_scores([[SQUARE]], [[4]], found, names=["a"]), "name all"),
    ]:
        with pytest.raises(UserError, match=message):
            call()


# ---- scenes ----------------------------------------------------------------------------------------------------------

FIGURES = np.zeros((4, 8, 8, 1), "uint8")
FIGURES[0, 2:6, 1:7] = FIGURES[1, 1:7, 3:5] = FIGURES[2, :, :] = FIGURES[3, 4:, 4:] = 255
KINDS = np.array([0, 1, 2, 1])


def scenes(**arguments):
    return data.scenes(FIGURES, KINDS, **{"count": 6, "size": (24, 28), "seed": 3, **arguments})


def test_equal_names_of_classes_are_told_apart_and_all_count():
    masks = np.array([[[0, 0], [1, 1]]])
    found = evaluate.segmentation_scores(masks, np.zeros_like(masks), names=["x", "x"])
    assert found["mean_iou"] == 0.25
    assert list(found["classes"]) == ["x (0)", "x (1)"]
    detected = {"boxes": [[SQUARE]], "scores": [[0.9]], "classes": [[0]]}
    scores = evaluate.detection_scores([[SQUARE, SQUARE]], [[0, 1]], detected, names=["crane", "crane", "dog"])
    assert scores["map"] == 0.5
    assert list(scores["classes"]) == ["crane (0)", "crane (1)"]
    tags = evaluate.tagging_scores(masks[0], np.zeros_like(masks[0]), names=["x", "x"])
    assert tags["f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_the_loss_of_centers_is_a_mean_over_the_images_of_all_replicas(two_replicas):
    loss, rng = losses.CenterLoss(), np.random.default_rng(1)
    labels = np.array([[[0.1, 0.1, 0.6, 0.5, 0]]] * 3 + [[[0, 0, 0, 0, -1]]], "float32")
    maps = rng.normal(size=(4, 4, 4, 5)).astype("float32")
    split = two_replicas.experimental_distribute_values_from_function
    parts = [slice(0, 3), slice(3, 4)]  # an incomplete last batch

    def value(context):
        return labels[parts[context.replica_id_in_sync_group]], maps[parts[context.replica_id_in_sync_group]]

    found = two_replicas.run(loss, args=split(value))
    total = sum(float(one) for one in two_replicas.experimental_local_results(found))
    assert total == pytest.approx(float(loss(labels, maps)), rel=1e-5)
    weighted = float(loss(labels, maps, np.array([1.0, 0, 0, 0])))
    assert weighted == pytest.approx(float(loss(labels[:1], maps[:1])), rel=1e-5)


def test_each_scene_is_drawn_from_its_own_number():
    source = scenes()
    assert (source.kind, source.shape, len(source), source.stored.dtype) == ("image", (24, 28, 1), 6, "uint8")
    whole, masks = source.stored, source.samples.masks()
    np.testing.assert_array_equal(source.rows(np.array([4, 1])), whole[[4, 1]])
    np.testing.assert_array_equal(source[3:].stored, whole[3:])
    np.testing.assert_array_equal(source[3:].samples.masks(), masks[3:])
    np.testing.assert_array_equal(scenes(count=9).stored[:6], whole)
    assert not np.array_equal(scenes(seed=4).stored, whole)
    assert len({scene.tobytes() for scene in whole}) == 6
    named = data.scenes(data.from_arrays(FIGURES, KINDS), count=6, size=(24, 28), seed=3)
    np.testing.assert_array_equal(named.stored, whole)
    np.testing.assert_array_equal(named.samples.masks(), masks)


def test_boxes_hold_exactly_the_pixels_of_the_masks():
    source = scenes(count=30, most=4)
    masks, (found, labels) = source.samples.masks(), source.samples.boxes()
    assert {len(one) for one in found} > {1, 2}
    for mask, its, numbers in zip(masks, found, labels):
        rest = mask.copy()
        for (left, top, right, bottom), number in zip(its.astype(int), numbers):
            part = mask[top:bottom, left:right]
            assert set(np.unique(part)) <= {0, 1 + number}
            for edge in (part[0], part[-1], part[:, 0], part[:, -1]):
                assert edge.any()  # the box is tight
            rest[top:bottom, left:right] = 0
        assert not rest.any()
        assert not np.triu(boxes.iou(its, its), 1).any()


def test_figures_are_brighter_than_the_ground_and_vary_in_size():
    source = scenes(count=40)
    masks, images = source.samples.masks(), source.inputs()[..., 0]
    assert images[masks == 0].mean() < 0.4 < images[masks > 0].mean()
    sides = np.concatenate([one[:, 2] - one[:, 0] for one in source.samples.boxes()[0]])
    assert sides.max() <= np.ceil(1.2 * 8)
    assert len(np.unique(sides)) > 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: scenes(size=9), "at least 3 pixels, and 1.2 times"),
        (
            lambda: data.scenes(np.full((1, 2, 2, 1), 255, "uint8"), [0], count=1, size=2, scale=(0.5, 1)),
            "at least 3 pixels",
        ),
        (lambda: scenes(most=0), "most"),
        (lambda: scenes(scale=(1, 0.5)), "scale"),
        (lambda: data.scenes(FIGURES[..., 0], KINDS), "gray images"),
        (lambda: data.scenes(FIGURES, KINDS[:2]), "one label for each"),
        (lambda: data.scenes(FIGURES * 0, KINDS), "a figure in each image"),
        (lambda: data.scenes(data.from_arrays(FIGURES)), "labeled source"),
    ],
)
def test_wrong_figures_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_a_picture_of_masks_colors_classes_and_counts_pixels():
    images = np.full((2, 4, 4, 1), 0.5, "float32")
    masks = np.zeros((2, 4, 4), int)
    masks[:, 2:] = 1
    masks[0, 0, 0] = -1
    predicted = masks.clip(0)
    predicted[0, 1, 1] = 1
    figure = plots.segmentations(images, masks, predicted)
    assert figure.get_label().endswith(f"right at {30 / 31:.1%} of the pixels")
    shown = [axis.images[0].get_array() for axis in figure.axes]
    assert len(shown) == 3
    np.testing.assert_allclose(shown[1][1, 1], [0.5] * 3, atol=1e-6)  # class 0 as it is
    np.testing.assert_allclose(shown[1][3, 3], 0.4 * 0.5 + 0.6 * np.array([0x3F, 0x90, 0xDA]) / 255, atol=1e-6)
    np.testing.assert_allclose(shown[2][1, 1], shown[1][3, 3], atol=1e-6)
    with pytest.raises(UserError, match="one for each pixel"):
        plots.segmentations(images, masks[:1])


def test_a_picture_of_boxes_has_them_where_they_are():
    images = np.zeros((3, 8, 16, 3), "float32")
    found = np.array([[[2, 1, 4, 3], [0, 0, 0, 0]]] * 3)
    figure = plots.detections(
        images, found, [[1, -1]] * 3, [[0.87, 0]] * 3, [[[0, 0, 8, 8]]] * 3, "xywh", class_names=["cat", "dog"]
    )
    first = figure.axes[0]
    assert [(p.get_xy(), p.get_width(), p.get_height()) for p in first.patches] == [((0, 0), 8, 8), ((2, 1), 4, 3)]
    assert [text.get_text() for text in first.texts] == ["dog 0.87"]
    assert figure.get_label() == "3 images with 3 boxes"
    with pytest.raises(UserError, match="of 3 images"):
        plots.detections(images, found[:1], [[1, -1]])
    with pytest.raises(UserError, match="for each box"):
        plots.detections(images, found, [[1]] * 3)


# ---- benchmark -------------------------------------------------------------------------------------------------------


def test_the_section_of_the_benchmark_has_every_row_and_the_protocol():
    runs = [
        {n: {"mean_iou": dict.fromkeys(dense.ROWS, y), "map": dict.fromkeys(dense.ROWS, x)} for n, y in scenes.items()}
        for x, scenes in [(0.1, {"10": 0.2, "50": 0.5}), (0.3, {"10": 0.2, "50": 0.5})]
    ]
    result = {"about": dense.USUAL, "ground": 0.08, "runs": runs, "machine": "2 cores", "pretraining_seconds": 120.0}
    lines = dense.section(result).splitlines()
    assert lines[0] == "| | mean IoU, 10 scenes | mean IoU, 50 scenes | mAP, 10 scenes | mAP, 50 scenes |"
    assert lines[2] == "| ground | 0.080 | 0.080 | 0 | 0 |"
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[3:7]] == list(dense.ROWS)
    assert lines[4].endswith("| 0.200 ± 0.000 | 0.500 ± 0.000 | 0.200 ± 0.100 | 0.200 ± 0.100 |")
    words = " ".join(lines[8:])
    assert f"{dense.USUAL['steps']} Adam steps on 10 or 50 labeled scenes" in words
    assert f"epochs, 2 CPU minutes; {dense.USUAL['test']} test scenes of other digits" in words
    assert "mean ± standard deviation over 2 seeds" in words


def test_a_network_of_the_benchmark_begins_anew_with_the_weights_of_its_row():
    about = {**dense.SMALL, "width": 2}
    encoder = dense.network(24, about)
    network = dense.compiled("map", "pretrained, fine-tuned", networks.reinitialized(encoder, 1), about)
    started = []
    for row in ("from scratch", "pretrained, fine-tuned", "from scratch"):
        dense.begin(network, row, encoder, seed=3)
        started.append([network.get_weights(), [np.array(v) for v in network.optimizer.variables]])
        for variable in [*network.trainable_variables, *network.optimizer.variables]:
            variable.assign(variable + 1)  # as if it had been trained
    (first, moments), (second, _), (third, again) = started
    for one, other in zip([*first, *moments], [*third, *again], strict=True):
        np.testing.assert_array_equal(one, other)
    kernel = encoder.get_weights()[0]
    assert (second[0] == kernel).all()
    assert (first[0] != kernel).any()


def test_views_of_the_benchmark_share_the_digit_alone():
    digits = np.zeros((2, 12, 12, 1), "float32")
    digits[:, 4:8, 5:7] = 1
    one, other = (np.array(dense.on_ground(digits, np.array([0, k]))) for k in (1, 2))
    assert (one[:, 4:8, 5:7] >= 0.7).all()
    assert one[:, :4].max() < 0.5
    assert np.abs(one - other)[:, :4].mean() > 0.02


def test_figures_of_the_benchmark_are_disjoint():
    train, test = dense.digits_of(validate=False, small=True)
    assert not {x.tobytes() for x in train.stored} & {x.tobytes() for x in test.stored}
