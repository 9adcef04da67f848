"""Files of series: `.ts` and tables, and what is wrong with them."""

import gzip

import numpy as np
import pytest

from keras_ssl import data, encoders, runs
from keras_ssl.errors import UserError

TS = """# a comment
@problemName Two
@timeStamps false
@univariate false
@dimension 2
@classLabel true stand walk
@data
1,2,3:4,5,6:walk
1,?:7,8:stand
"""
WIDE = "0,1,2,label\n1,2,3,10\n4,,6,9\n7,8,,9\n"
LONG = "id,time,x,y,label\na,2,3,4,up\na,1,1,2,up\nb,1,5,,down\n"


def load(tmp_path, text, name="x.csv", **arguments):
    (tmp_path / name).write_text(text)
    return data.load(tmp_path / name, **{"kind": "series", **arguments})


def test_ts_files_have_channels_classes_and_unequal_lengths(tmp_path):
    source = load(tmp_path, TS, "x.ts", kind=None)
    expected = [[[1, 4], [2, 5], [3, 6]], [[1, 7], [np.nan, 8], [np.nan, np.nan]]]
    np.testing.assert_array_equal(source.stored, expected)
    assert source.kind == "series"
    assert source.stored.dtype == np.float32
    assert source.class_names == ("stand", "walk")
    np.testing.assert_array_equal(source.labels, [1, 0])


def test_ts_files_with_values_to_predict_have_them_as_a_column(tmp_path):
    source = load(tmp_path, "@targetLabel true\n@data\n1,2:0.5\n3,4:1.5\n5,6:?\n", "x.ts")
    assert source.labels is None
    np.testing.assert_array_equal(source.columns["target"], [0.5, 1.5, np.nan])


def test_the_files_of_the_archives_are_splits_of_their_folder(tmp_path):
    for split, label in (("TRAIN", "b"), ("TEST", "a")):
        (tmp_path / f"Two_{split}.tsv").write_text(f"{label}\t1\t2.5\n{label}\t3\t4.5\n")
    train, test = (data.load(tmp_path, split, kind="series") for split in ("train", "test"))
    assert train.class_names == test.class_names == ("a", "b")
    assert [list(train.labels), list(test.labels)] == [[1, 1], [0, 0]]
    np.testing.assert_array_equal(test.stored[..., 0], [[1, 2.5], [3, 4.5]])
    assert data.splits_of(tmp_path, (".tsv",)) == ("train", "test")


def test_rows_are_series_with_a_label_in_a_column_of_this_name_or_in_the_first(tmp_path):
    source = load(tmp_path, WIDE)
    np.testing.assert_array_equal(source.stored[..., 0], [[1, 2, 3], [4, np.nan, 6], [7, 8, np.nan]])
    assert source.class_names == ("9", "10")  # by size
    np.testing.assert_array_equal(source.labels, [1, 0, 0])
    source = load(tmp_path, "walk,1.5,2\nrun,3\n")
    assert source.class_names == ("run", "walk")
    np.testing.assert_array_equal(source.stored[..., 0], [[1.5, 2], [3, np.nan]])
    source = load(tmp_path, "0,1,2\n5,6,7\n")  # names of columns, as pandas writes them
    assert source.labels is None
    np.testing.assert_array_equal(source.stored[..., 0], [[5, 6, 7]])


def test_a_first_column_without_a_name_is_said_to_be_the_label(tmp_path):
    said = []
    load(tmp_path, "1,1.5,2\n1,3,4\n", say=said.append)
    assert "the first column is taken for the label" in said[0]
    load(tmp_path, "1,.5,.6\n2,.7,.8\n", say=said.append)
    assert "2 classes" in said[1]
    with pytest.warns(UserWarning, match="2 classes"):  # of two series: these may be values
        load(tmp_path, "1,.5,.6\n2,.7,.8\n")


def test_rows_with_id_and_time_are_steps_of_series(tmp_path):
    source = load(tmp_path, LONG)
    np.testing.assert_array_equal(source.stored, [[[1, 2], [3, 4]], [[5, np.nan], [np.nan, np.nan]]])
    assert source.class_names == ("down", "up")
    np.testing.assert_array_equal(source.labels, [1, 0])
    for later, earlier in (
        ("2024-02-01", "2024-01-31"),
        ("2024-01-31 10:00", "2024-01-31"),
        ("2024-01-31T08:00Z", "2024-01-31T09:00+02:00"),
        ("10", "9.5"),
        ("1706659200000000002", "1706659200000000001"),  # nanoseconds
    ):
        source = load(tmp_path, f"id,time,x\na,{later},2\na,{earlier},1\n")
        np.testing.assert_array_equal(source.stored[..., 0], [[1, 2]])


def test_packed_files_are_read_too(tmp_path):
    with gzip.open(tmp_path / "x.csv.gz", "wt") as file:
        file.write(WIDE)
    assert len(data.load(tmp_path / "x.csv.gz", kind="series")) == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "", "series in .*Received none"),
        ("x.csv", "a,b\n1,x\n", "numbers in .*'x' in column 'b' in line 2"),
        ("x.csv", "a,b\n1,2,3\n", "at most 2 fields.*3 in line 2"),
        ("x.csv", 'x0,x1,label\n1,2,a\n1,2,"a\n3,4,b\n5,6,b\n', "a table in .*line 5.*close each quote"),
        ("x.csv", "id,x\na,1\n", "column 'time'"),
        ("x.csv", "time,a,b\n0,1,2\n1,3,4\n", "a column 'id' beside 'time'.*`data.Windows`"),
        ("x.csv", "Date,a,b\n0,1,2\n", "the name 'time'.*'Date'"),
        ("x.csv", "ID,time,x\na,1,2\n", "the name 'id'.*'ID'"),
        ("x.csv", "class,t0,t1\n1,2,3\n", "the name 'label'.*'class'"),
        ("x.csv", "id,time,x,target\na,1,2,0\n", "the name 'label'.*'target'"),
        ("x.csv", "kind,0,1,2\n1,.5,.6,.7\n", "'kind' before the numbered steps.*'label'"),
        ("x.csv", ",0,1\n0,.5,.6\n", "a name of each column.*none of column 1"),
        ("x.csv", ".51,.6,.7\n.12,.2,.3\n", "a class first in each row.*'.51' in line 1"),
        ("x.csv", "id,time\na,1\n", "columns of values"),
        ("x.csv", "id,time,x\na,1,1\na,1,2\n", "two of '1' in line 3"),
        ("x.csv", "id,time,x\na,1,1\na,1.0,2\n", "two of '1.0' in line 3"),
        ("x.csv", "id,time,x\na,,1\n", "a number, or a date.*'' in line 2"),
        ("x.csv", "id,time,x\na,inf,1\n", "a number, or a date.*'inf' in line 2"),
        ("x.csv", "id,time,x\na,2/10/2024,1\na,1/10/2024,2\n", "ISO 8601.*'2/10/2024' in line 2"),
        ("x.csv", "id,time,x\na,1,1\na,2024-01-31,2\n", "all numbers, or all dates.*line 3"),
        ("x.csv", "id,time,x\na,2024-01-30,1\na,2024-01-31T00:00Z,2\n", "dates of one form.*line 3"),
        ("x.csv", "id,time,x,label\na,1,1,u\na,2,2,v\n", "one label.*'u' and 'v' in line 3"),
        ("x.csv", "id,time,x\na,1\n", "3 fields.*2 in line 2"),
        ("x.csv", "x,x\n1,2\n", "different names"),
        ("x.csv", "a,b,label\n1,2,\n", "a label of each series"),
        ("x.csv", "a,b,label\n1,2,NaN\n", "a label of each series"),
        ("x.csv", "a,b,label\n1,2,1\n1,2,1.0\n", "written alike.*'1' and '1.0'"),
        ("x.csv", "id,time,x\na,1,2\n,2,0\n", "the id of a series.*in line 3"),
        ("x.ts", "@classLabel true a\n@data\n1,b:a\n", "numbers.*line 3"),
        ("x.ts", "@classLabel true a\n@data\n1:a\n1:2:a\n", "1 channels.*2 in line 4"),
        ("x.ts", "@classLabel true a b\n@data\n1:a\n1:c\n", "among a, b.*'c' in line 4"),
        ("x.ts", "@classLabel true a\n@data\n1:?\n", "a class of each series.*'\\?' in line 3"),
        ("x.ts", "@classLabel true\n@data\n1:?\n", "a label of each series.*none for series 0"),
        ("x.csv", "a,1.5\n?,2.5\n", "a label of each series.*none for series 1"),
        ("x.ts", "@targetLabel true\n@data\n1:high\n", "numbers.*'high' in line 3"),
        ("x.ts", "@timeStamps true\n@data\n", "without time stamps.*line 1"),
        ("x.ts", "1,2:a\n", "begin with @"),
        ("x.ts", "@problemName x\n", "a line @data"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_clear_error(tmp_path, name, text, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, text, name)


def test_a_table_is_one_of_texts_unless_series_are_asked_for(tmp_path):
    with pytest.raises(UserError, match="kind='series'"):
        load(tmp_path, WIDE, kind=None)


def test_channels_are_put_in_the_order_of_the_model(tmp_path):
    source = load(tmp_path, LONG)
    assert source.preparation.to_json() == {"channel_names": ["x", "y"]}
    assert source[:1].preparation == source.preparation
    swapped = load(tmp_path, "id,y,time,label,x\na,4,2,up,3\na,2,1,up,1\nb,,1,down,5\n", channel_names=["x", "y"])
    np.testing.assert_array_equal(swapped.stored, source.stored)
    assert swapped.preparation == source.preparation
    for text, words in (("id,time,x,Y\na,1,2,3\n", "no 'y', 'Y'"), ("id,time,x,y,z\na,1,2,3,4\n", "'z'")):
        with pytest.raises(UserError, match=f"the channels x, y in .*Received {words}"):
            load(tmp_path, text, channel_names=["x", "y"])
    encoder = encoders.recurrent(2, width=3)
    path = runs.save_model(encoder, tmp_path / "encoder.keras", preparation=source.preparation.to_json())
    assert runs.preparation_of(path) == {"channel_names": ["x", "y"]}
    with pytest.raises(UserError, match="which takes series"):
        runs.preparation_of(path, fit="pad")
    assert load(tmp_path, WIDE, channel_names=["x", "y"]).preparation is None  # it has one channel without a name


def test_statistics_leave_out_what_is_missing_and_refuse_a_constant_channel(tmp_path):
    with pytest.raises(UserError, match="at least one step of which all channels are known"):
        data.channel_statistics(load(tmp_path, LONG))
    mean, std = data.channel_statistics(load(tmp_path, LONG + "b,2,7,3,down\n"))
    np.testing.assert_allclose(mean, [4, 3])
    np.testing.assert_allclose(std, [np.std([1, 3, 5, 7]), np.std([2, 4, 3])])
    flat = load(tmp_path, "id,time,x,y\na,1,1,7\na,2,2,7\n")
    with pytest.raises(UserError, match="channel 1, which is 7"):
        data.channel_statistics(flat)
    with pytest.raises(UserError, match="Expected series"):
        data.channel_statistics(data.load("digits"))
    infinite = load(tmp_path, "a,b\n1,inf\n1,2\n")
    with pytest.raises(UserError, match=r"finite series.*index 0, step 1"):
        infinite.check()
