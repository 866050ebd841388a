"""The data sets as a literal list: shapes, licences, files with their sizes and sums, and where they are kept.

Sizes and SHA-256 sums are those of the original files. A download or a file put there by hand is used only if both
agree, so an address needs no trust. This module imports only the standard library: listing must be quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from optbench.errors import UsageError, unknown_name


class Origin(StrEnum):
    """Where the rows of a set come from."""

    EMBEDDED = "embedded"
    GENERATED = "generated"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a data set.

    Attributes:
        name: Its name in the folder of the set.
        n_bytes: Its size.
        sha256: Its SHA-256 as hexadecimal digits.
        n_rows: Number of images or labels in it, 0 for an archive.
    """

    name: str
    n_bytes: int
    sha256: str
    n_rows: int = 0


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is known of a data set without reading it.

    Attributes:
        name: Name on the command line.
        summary: What it is, in a few words.
        shape: Shape of one row: height, width, channels; or length, channels.
        n_classes: Number of labels, which are 0 to ``n_classes - 1``.
        n_train: Number of rows outside of the official test part.
        n_test: Number of rows of the official test part, 0 where there is none.
        license: Under which terms its owners give it.
        reference: Its paper.
        origin: Where the rows come from.
        folder: Its folder below the root of all data; empty where it needs no files.
        files: The files that ``load`` reads, training part first.
        archive: The file on the web that has them all, if they are not there one by one.
        mirrors: Addresses that end in a slash, to be tried in this order.
    """

    name: str
    summary: str
    shape: tuple[int, ...]
    n_classes: int
    n_train: int
    n_test: int
    license: str
    reference: str
    origin: Origin
    folder: str = ""
    files: tuple[File, ...] = ()
    archive: File | None = None
    mirrors: tuple[str, ...] = ()

    @property
    def downloads(self) -> tuple[File, ...]:
        """The files that are fetched from the web."""
        return (self.archive,) if self.archive is not None else self.files


_DIGITS = DataSet(
    name="digits",
    summary="handwritten digits of 8 x 8 pixels",
    shape=(8, 8, 1),
    n_classes=10,
    n_train=1797,
    n_test=0,
    license="CC BY 4.0 (UCI)",
    reference="Alpaydin & Kaynak 1998, Optical recognition of handwritten digits, UCI repository; test part of it",
    origin=Origin.EMBEDDED,
)

_MNIST1D = DataSet(
    name="mnist1d",
    summary="synthetic curves of the ten digits, 40 points each",
    shape=(40, 1),
    n_classes=10,
    n_train=4000,
    n_test=1000,
    license="Apache-2.0",
    reference="Greydanus 2020, Scaling down deep learning, arXiv:2011.14439",
    origin=Origin.GENERATED,
)

_MNIST = DataSet(
    name="mnist",
    summary="handwritten digits of 28 x 28 pixels",
    shape=(28, 28, 1),
    n_classes=10,
    n_train=60_000,
    n_test=10_000,
    license="CC BY-SA 3.0 (Keras)",
    reference="LeCun, Cortes & Burges 1998, The MNIST database of handwritten digits",
    origin=Origin.FILES,
    folder="mnist",
    files=(
        File(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            60_000,
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            60_000,
        ),
        File(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            10_000,
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            10_000,
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

_FASHION = DataSet(
    name="fashion-mnist",
    summary="articles of clothing of 28 x 28 pixels",
    shape=(28, 28, 1),
    n_classes=10,
    n_train=60_000,
    n_test=10_000,
    license="MIT",
    reference="Xiao, Rasul & Vollgraf 2017, Fashion-MNIST, arXiv:1708.07747",
    origin=Origin.FILES,
    folder="fashion-mnist",
    files=(
        File(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            60_000,
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            60_000,
        ),
        File(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            10_000,
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            10_000,
        ),
    ),
    # The authors' own address has no TLS and comes last; the sums hold for it as for any other.
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)

_CIFAR10_BATCH = 30_730_000

_CIFAR10 = DataSet(
    name="cifar10",
    summary="photographs of ten kinds of things, 32 x 32 pixels in color",
    shape=(32, 32, 3),
    n_classes=10,
    n_train=50_000,
    n_test=10_000,
    license="none stated",
    reference="Krizhevsky 2009, Learning multiple layers of features from tiny images",
    origin=Origin.FILES,
    folder="cifar-10-batches-bin",
    files=tuple(
        File(name, _CIFAR10_BATCH, sha256, 10_000)
        for name, sha256 in (
            ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
            ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
            ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
            ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
            ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
            ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
        )
    ),
    archive=File(
        "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
    ),
    mirrors=("https://www.cs.toronto.edu/~kriz/",),
)

#: All data sets by name, the default first.
SETS: dict[str, DataSet] = {found.name: found for found in (_DIGITS, _MNIST1D, _MNIST, _FASHION, _CIFAR10)}

DEFAULT = "digits"


def find(name: str) -> DataSet:
    """Returns what is known of a data set.

    Args:
        name: Its name.

    Returns:
        The entry of the list.

    Raises:
        UsageError: There is no such data set; the nearest names are given.

    Example:
        >>> find("mnist").shape
        (28, 28, 1)
    """
    if name not in SETS:
        raise UsageError(unknown_name("data set", name, SETS))
    return SETS[name]
