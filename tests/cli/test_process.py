"""The command as a process: help, pipes, signals, and the weight of what it imports."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import pytest

from optbench.cli import cli

HEAVY = ("jax", "numpy", "pandas", "matplotlib", "pydantic", "rich", "scipy", "pyarrow")


@pytest.mark.parametrize(
    "words", [[], *[[name] for name in sorted(cli.commands)]], ids=lambda words: "-".join(words) or "-"
)
def test_help_names_every_option_in_100_columns(invoke, words):
    result = invoke(*words, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 100
    command = cli.commands[words[0]] if words else cli
    for parameter in command.params:
        for option in parameter.opts:
            assert option in result.stdout or parameter.param_type_name == "argument"
    assert "Examples:" in result.stdout


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["list"], ["list", "problems", "--json"], ["run", "--help"]]
)
def test_light_commands_import_nothing_heavy(words):
    code = (
        "import sys\n"
        "from optbench.cli import cli\n"
        f"try: cli({words!r})\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr == "[]\n"


@pytest.mark.parametrize("words", [["--help"], ["list"]])
def test_light_commands_take_a_quarter_of_a_second(words):
    def cpu_s():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    seconds = []
    for _ in range(5):
        before = cpu_s()
        subprocess.run([sys.executable, "-m", "optbench", *words], stdout=subprocess.DEVNULL, check=True)
        seconds.append(cpu_s() - before)  # seconds of the processor: another test on this machine does not count
    assert min(seconds) < 0.25


@pytest.mark.parametrize("words", [["--help"], ["list"], ["run", "quick", "--dry-run"]])
def test_a_reader_that_leaves_is_no_error(tmp_path, words):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "optbench", *words]
    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(writer)
    assert result.stderr == ""


WAITING = """
import sys, time
from optbench import runner
from optbench.console import Progress
def run(suite, *, progress, **options):
    progress(Progress(3, 8))
    print("ready", file=sys.stderr, flush=True)
    time.sleep(60)
runner.run = run
from optbench.cli import main
sys.argv = ["optbench", "run", "quick"]
main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_a_run_with_its_command_to_resume(tmp_path, number, code):
    child = subprocess.Popen([sys.executable, "-c", WAITING], stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    for text in child.stderr:
        if text == "ready\n":
            break
    child.send_signal(number)
    rest = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=30) == code
    assert "saved 3/8 cells; resume with: optbench run quick --out results\n" in rest
    assert "Traceback" not in rest


def test_an_internal_error_keeps_its_traceback(stand_in, invoke):
    def run(suite, **options):
        raise RuntimeError("a bug")

    stand_in(run)
    result = invoke("run", "quick")
    assert result.exit_code == 1
    assert isinstance(result.exception, RuntimeError)
