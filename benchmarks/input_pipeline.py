"""Images of a folder, kept in memory and read when they are needed: memory, and how fast batches come.

    python -m benchmarks.input_pipeline

Writes 100,000 JPEGs of 64x64 noise and shapes into a temporary folder, and for each way starts a process that loads
them, takes three epochs of 20,000 images in batches of 256, and pretrains `Autoencoder(conv_net)` on ten batches. Peak
memory is that of the process. Decoding alone is timed beside, by the same number of threads: what reading from files
must cost. The table goes to `benchmarks/results/input_pipeline.json` and into docs/speed.md.
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.memory import peak_gib
from benchmarks.pages import publish

IMAGES, TAKEN, SIDE, BATCH, THREADS = 100_000, 20_000, 64, 256, 4


def write(folder, count=IMAGES):
    """Write JPEGs, each of another color and noise, in a hundred folders."""
    from PIL import Image

    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60, (256, SIDE, SIDE, 3), "uint8")

    def one(k):
        pixels = noise[k % 256] + (np.array([k, k // 7, k // 49]) % 190).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{k // 1000}" / f"{k}.jpg", quality=85)

    for k in range(-(-count // 1000)):
        (folder / f"{k}").mkdir()
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(count)))


def measure(folder, way):
    """What one way costs, in this process."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from keras_ssl import data, encoders, objectives

    begun = time.perf_counter()
    source = data.load(folder, in_memory=way == "in memory")
    loaded = time.perf_counter() - begun
    part = source[:TAKEN]
    batches, rates = data.batches(part, batch_size=BATCH, drop_remainder=True), []
    for _ in range(3):
        begun = time.perf_counter()
        count = sum(len(batch["input"]) for batch in batches)
        rates.append(count / (time.perf_counter() - begun))
    autoencoder = objectives.Autoencoder(encoders.conv_net((SIDE, SIDE, 3), (8, 16), first_stride=2))
    autoencoder.compile("adam")
    autoencoder.fit(data.batches(source[: 10 * BATCH], batch_size=BATCH), verbose=0)
    decoding = None if way == "in memory" else decoded_per_second(part)
    return {
        "load_seconds": loaded,
        "images_per_second": float(np.median(rates)),
        "decoded_per_second": decoding,
        "peak_gib": peak_gib(),
    }


def decoded_per_second(source):
    """Images decoded in a second by as many threads as `data.Files` has, and nothing else done."""
    files = source.samples
    with concurrent.futures.ThreadPoolExecutor(files.threads) as pool:
        begun = time.perf_counter()
        list(pool.map(files.decode, files.paths[:5000]))
        return 5000 / (time.perf_counter() - begun)


def section(result):
    """The table."""
    lines = ["| images | loading, s | images per second | peak memory, GiB |", "|---|---|---|---|"]
    for way, found in result["ways"].items():
        lines.append(
            f"| {way} | {found['load_seconds']:.0f} | {found['images_per_second']:,.0f} | {found['peak_gib']:.2f} |"
        )
    decoding = result["ways"]["from files"]["decoded_per_second"]
    lines += [
        "",
        f"{result['images']:,} JPEGs of {SIDE}x{SIDE}; decoding alone makes {decoding:,.0f} images per second with "
        f"{THREADS} threads\n({result['machine']}; `python -m benchmarks.input_pipeline`).",
    ]
    return "\n".join(lines)


def main():
    """Measure both ways, each in a process of its own."""
    ways = {}
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder))
        for way in ("in memory", "from files"):
            command = [sys.executable, "-m", "benchmarks.input_pipeline", "--measure", folder, way]
            ways[way] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    result = {"images": IMAGES, "machine": f"{os.cpu_count()} cores", "ways": ways}
    publish("input_pipeline", result)
    print(section(result))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(*sys.argv[2:])))
    else:
        main()
