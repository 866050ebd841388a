"""Data sets of a few bytes in the formats of the real ones, so that a test can serve and damage them."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np

from optbench.tasks.data.registry import DataSet, File, Origin

IMAGES = ("train-images.gz", "t10k-images.gz")
LABELS = ("train-labels.gz", "t10k-labels.gz")


def idx(array, *, kind=8, axes=None):
    """An IDX file of unsigned bytes; ``axes`` are what its header says."""
    axes = array.shape if axes is None else axes
    header = struct.pack(f">BBBB{len(axes)}I", 0, 0, kind, len(axes), *axes)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


def arrays(n_train=40, n_test=20):
    """Images of 5 x 4 random pixels, and labels that take turns."""
    rng = np.random.default_rng(0)
    return [
        array
        for n in (n_train, n_test)
        for array in (rng.integers(0, 256, (n, 5, 4), dtype=np.uint8), np.arange(n, dtype=np.uint8) % 10)
    ]


def of_arrays(found=None):
    """The four files of a set: name -> bytes."""
    names = (IMAGES[0], LABELS[0], IMAGES[1], LABELS[1])
    return dict(zip(names, map(idx, arrays() if found is None else found), strict=True))


def registered(contents, mirrors=(), name="small"):
    """A data set whose sums are those of the given files."""
    n_rows = {name: 40 if name.startswith("train") else 20 for name in contents}
    files = tuple(
        File(file, len(data), hashlib.sha256(data).hexdigest(), n_rows[file]) for file, data in contents.items()
    )
    return DataSet(name, "a test", (5, 4, 1), 10, 40, 20, "none", "none", Origin.FILES, name, files, None, mirrors)


def batches():
    """Three files of CIFAR's records, 20 images of 2 x 3 pixels each: name -> bytes."""
    rng = np.random.default_rng(1)
    found = {}
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        records = rng.integers(0, 256, (20, 19), dtype=np.uint8)
        records[:, 0] = np.arange(20) % 10
        found[name] = records.tobytes()
    return found


def tar(members):
    """A gzipped tar file of ``(TarInfo or name, bytes)``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, data in members:
            if isinstance(member, str):
                member = tarfile.TarInfo(member)
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def of_batches(folder="batches"):
    """The members of an archive as the real one has them."""
    top = tarfile.TarInfo(folder)
    top.type = tarfile.DIRTYPE
    notes = [(f"{folder}/batches.meta.txt", b"cat\ndog\n"), (f"{folder}/readme.html", b"<p>")]
    return [(top, b""), *((f"{folder}/{name}", data) for name, data in batches().items()), *notes]


def with_archive(archive, mirrors=(), files=None):
    """A data set that comes as an archive."""
    files = tuple(
        File(name, len(data), hashlib.sha256(data).hexdigest(), 20)
        for name, data in (batches() if files is None else files).items()
    )
    packed = File("batches.tar.gz", len(archive), hashlib.sha256(archive).hexdigest())
    return DataSet(
        "batches", "a test", (2, 3, 3), 10, 40, 20, "none", "none", Origin.FILES, "batches", files, packed, mirrors
    )
