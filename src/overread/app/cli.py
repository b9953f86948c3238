"""The command line: one subcommand a verb, each a thin door to `app`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from overread import __version__
from overread.vocabulary.errors import OverreadError

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 well, 1 something is wrong and was said, 2 wrong usage."""
    given = build_parser().parse_args(arguments)
    command: Command = given.command
    try:
        return command(given)
    except OverreadError as error:
        sys.stderr.write(f"overread: {error.message}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="overread", description="AI findings, on the image, in the viewer that is open."
    )
    parser.add_argument("--version", action="version", version=f"overread {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serving(verbs)
    _add_studies(verbs)
    _add_models(verbs)
    _add_keeping(verbs)
    return parser


def _add_serving(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = verbs.add_parser("serve", help="start the gateway with the settings in force")
    serve.set_defaults(command=_serve)
    demo = verbs.add_parser("demo", help="start a demonstration with a synthetic patient")
    demo.add_argument("--data", type=Path, help="folder of your own DICOM files to show instead")
    demo.add_argument("--data-dir", type=Path, help="where the demonstration is kept")
    demo.add_argument("--host", default="127.0.0.1")
    demo.add_argument("--port", type=int, default=8080)
    demo.set_defaults(command=_demo)


def _add_studies(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    analyze = verbs.add_parser("analyze", help="run a model on files, with no server")
    analyze.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    analyze.add_argument("--model", required=True)
    analyze.add_argument("--out", required=True, type=Path, metavar="DIR")
    analyze.set_defaults(command=_analyze)
    bring = verbs.add_parser("import", help="take DICOM files or folders in")
    bring.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    bring.set_defaults(command=_import)
    quarantine = verbs.add_parser("quarantine", help="what was not taken in, and why")
    quarantine.set_defaults(command=_quarantine)


def _add_models(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    models = verbs.add_parser("models", help="list, install or test models")
    kinds = models.add_subparsers(required=True, metavar="VERB")
    kinds.add_parser("list", help="the registered models").set_defaults(command=_list_models)
    install = kinds.add_parser("install", help="install the weights of a bundled model")
    install.add_argument("name")
    install.add_argument("--from", dest="source", required=True, metavar="DIR|URL")
    install.set_defaults(command=_install_model)
    test = kinds.add_parser("test", help="tell a model's maker what fails and why")
    test.add_argument("card", metavar="CARD", help="card file, or name of a registered model")
    test.add_argument("--data", required=True, type=Path, metavar="DIR")
    test.set_defaults(command=_test_model)


def _add_keeping(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = verbs.add_parser("check", help="ask every wired part whether it answers")
    check.set_defaults(command=_check)
    audit = verbs.add_parser("audit", help="look at the audit trail")
    audit_verbs = audit.add_subparsers(required=True, metavar="VERB")
    audit_verbs.add_parser("verify", help="check its hash chain").set_defaults(
        command=_verify_audit
    )
    users = verbs.add_parser("users", help="local users and tokens")
    user_verbs = users.add_subparsers(required=True, metavar="VERB")
    add = user_verbs.add_parser("add", help="add a local user; the password is read from stdin")
    add.add_argument("name")
    add.add_argument("--role", action="append", required=True)
    add.add_argument("--display-name", default="")
    add.set_defaults(command=_add_user)
    token = user_verbs.add_parser("token", help="make a bearer token for a program")
    token.add_argument("name")
    token.set_defaults(command=_make_token)


# What a command needs is imported when it runs: `overread --help` answers at once.


def _serve(given: argparse.Namespace) -> int:
    from overread.app.serving import serve
    from overread.app.settings import read_settings

    return serve(read_settings())


def _demo(given: argparse.Namespace) -> int:
    from overread.app.demo import run_demo

    return run_demo(data=given.data, data_dir=given.data_dir, host=given.host, port=given.port)


def _analyze(given: argparse.Namespace) -> int:
    from overread.app.analyzing import analyze

    return analyze(given.paths, given.model, given.out)


def _import(given: argparse.Namespace) -> int:
    from overread.app.importing import import_paths
    from overread.app.settings import read_settings

    return import_paths(read_settings(), given.paths)


def _quarantine(given: argparse.Namespace) -> int:
    from overread.app.importing import list_quarantine
    from overread.app.settings import read_settings

    return list_quarantine(read_settings())


def _list_models(given: argparse.Namespace) -> int:
    from overread.app.model_commands import list_models
    from overread.app.settings import read_settings

    return list_models(read_settings())


def _install_model(given: argparse.Namespace) -> int:
    from overread.app.model_commands import install_model
    from overread.app.settings import read_settings

    return install_model(read_settings(), given.name, given.source)


def _test_model(given: argparse.Namespace) -> int:
    from overread.app.model_commands import test_model
    from overread.app.settings import read_settings

    return test_model(read_settings(), given.card, given.data)


def _check(given: argparse.Namespace) -> int:
    from overread.app.keeping import check
    from overread.app.settings import read_settings

    return check(read_settings())


def _verify_audit(given: argparse.Namespace) -> int:
    from overread.app.keeping import verify_audit
    from overread.app.settings import read_settings

    return verify_audit(read_settings())


def _add_user(given: argparse.Namespace) -> int:
    from overread.app.keeping import add_user
    from overread.app.settings import read_settings

    return add_user(read_settings(), given.name, given.display_name, given.role)


def _make_token(given: argparse.Namespace) -> int:
    from overread.app.keeping import make_token
    from overread.app.settings import read_settings

    return make_token(read_settings(), given.name)
