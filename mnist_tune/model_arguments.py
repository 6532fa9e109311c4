"""The words of the commands that take a run's model: `predict` and `export`. Parsers only."""

from __future__ import annotations

from mnist_tune.arguments import Parser, make_parser


def predict_parser() -> Parser:
    """`mnist-tune predict RUN|MODEL IMAGE…`."""
    parser = Parser(
        prog="mnist-tune predict",
        description="Classify images: photographs, scans, screenshots, arrays. Each is prepared as MNIST's digits were.",
        epilog="exit codes: 0 done, 1 some images could not be used, 2 wrong usage or no image could be used, 130 interrupted",
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="RUN|MODEL", help="a run's folder, a .keras file or a SavedModel's folder")
    parser.add_argument(
        "images", metavar="IMAGE", nargs="*", help="an image, a .npy or .npz file, a folder, or - (stdin)"
    )
    _add_named_space(parser)
    parser.add_argument("--raw", action="store_true", help="no preparation: 28×28 pixels, ink bright on black")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", metavar="FILE", help="write a page: each image beside what the network saw")
    parser.add_argument("--force", action="store_true", help="write over the page in --html")
    parser.add_argument("--synthetic", type=int, metavar="N", help="classify N digits of random strokes instead")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random strokes (default: 1)")
    return parser


def _add_named_space(parser: Parser) -> None:
    parser.add_argument(
        "--space",
        metavar="MODULE:CLASS",
        help="the run's own space, where its model has code of yours: naming it runs that module",
    )


def export_parser() -> Parser:
    """`mnist-tune export RUN`."""
    parser = make_parser(
        "mnist-tune export",
        "Write a run's model in the formats that other programs load, each verified on 1,000 images against the Keras model, "
        "and a model card beside them.",
        argument_default=None,
        epilog="exit codes: 0 done, 1 a file disagreed or could not be made, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("run", metavar="RUN", help="the run's folder")
    parser.add_argument(
        "--format",
        dest="formats",
        action="append",
        metavar="NAME",
        help="savedmodel, keras, litert, litert-int8 or onnx; several times, or a list with commas (default: savedmodel)",
    )
    parser.add_argument("-o", "--out", metavar="DIR", help="where to (default: export in the run's folder)")
    _add_named_space(parser)
    parser.add_argument("--data", metavar="SOURCE", help="where the run's data are now (default: where they were)")
    parser.add_argument("--force", action="store_true", help="write over files that are there")
    parser.add_argument("--json", action="store_true", help="print export.json")
    return parser
