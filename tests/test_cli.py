"""The command line itself: every command explains itself, and none says more than was asked."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fieldbox import __version__
from fieldbox.cli import main

ROOT = Path(__file__).resolve().parents[1]


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = list(commands(main))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_command_shows_an_example_of_itself(path: tuple[str, ...], command: click.Command) -> None:
    said = CliRunner().invoke(main, [*path, "--help"])
    assert said.exit_code == 0
    assert f"Example: fieldbox {' '.join(path)}" in said.output
    assert command.help


def test_what_commands_share_stands_once() -> None:
    files = (ROOT / "fieldbox").glob("cli*.py")
    defined = Counter(name for file in files for name in names_of(ast.parse(file.read_text("utf-8"))))
    assert {"with_config", "as_json", "FAILED"} <= set(defined)
    assert [name for name, times in defined.items() if times > 1] == []


def names_of(module: ast.Module) -> Iterator[str]:
    """What a module itself defines at its top."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (
                one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)
            )


def test_groups_explain_themselves() -> None:
    for group in [name for name, command in main.commands.items() if isinstance(command, click.Group)]:
        said = CliRunner().invoke(main, [group, "--help"])
        assert said.exit_code == 0
        assert "Commands:" in said.output
    said = CliRunner().invoke(main, ["-h"])
    assert "Example: fieldbox ingest" in said.output
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == __version__


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["ingest"],
        ["ingest", "--nonsense"],
        ["outbox", "nonsense"],
        ["detect", "a.jpg", "--gsd-mm", "x"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 2
    assert "Usage:" in said.output


def test_wrong_settings_are_said_all_at_once(tmp_path: Path) -> None:
    file = tmp_path / "fieldbox.toml"
    file.write_text("[storage]\nrot = '/x'\n[web]\nport = 0\n")
    said = CliRunner().invoke(main, ["--config", str(file), "status"])
    assert said.exit_code == 1
    assert "did you mean storage.root?" in said.output
    assert "web.port" in said.output
    assert said.output.count("\n") == 1


@pytest.mark.parametrize("words", [["status", "--json"], ["outbox", "list"], ["--help"]])
def test_small_commands_load_no_heavy_library(words: list[str], tmp_path: Path) -> None:
    """A box of 4 GB answers `status` while it maps a flight."""
    code = (
        "import sys, fieldbox.cli\n"
        "try: fieldbox.cli.main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'cv2', 'onnxruntime', 'rasterio', 'flask', 'pyogrio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={"PATH": "/usr/bin:/bin", "FIELDBOX_STORAGE__ROOT": str(tmp_path / "root")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
