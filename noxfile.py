"""The checks of xdbr. `nox` runs the default set, `nox -l` lists every session.

A Python or a backend that is not on the machine is reported as a skipped session with its reason;
it never counts as passed. Arguments after `--` go to the tool that the session runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import nox

# The first nox that looks at every interpreter on PATH and not only at the first of a name.
nox.needs_version = ">=2026.8.10"

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")["project"]

SUPPORTED_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST_PYTHON, NEWEST_PYTHON = "3.11", "3.13"

# The extra that brings each backend; CuPy's depends on the machine's CUDA.
BACKENDS = {"numpy": None, "strict": "strict", "torch": "torch", "jax": "jax", "cupy": "cuda"}
DEFAULT_BACKENDS = ("numpy", "strict")

SUITE_URL = "https://github.com/data-apis/array-api-tests"
# The suite for version 2025.12 of the standard; a moving branch would make yesterday's pass fail today.
SUITE_COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"
SUITE_SECONDS = 300
# A run with fewer tests than this has lost an extension or a chapter on the way, and proves nothing.
SUITE_MINIMUM = 1300
# A stand-in for `xdbr` whose inputs need gradient, and what the libraries underneath cannot do, by backend.
STAND_IN = ROOT / "tests" / "conformance" / "needs_gradient.py"
LIMITS = nox.project.load_toml(ROOT / "tests" / "conformance" / "limits.toml")

# SciPy's packages with tests that take an array namespace, at the version that tests/downstream/scipy_known.py is for.
SCIPY = "scipy==1.18.1"
SCIPY_PACKAGES = tuple(
    f"scipy.{name}"
    for name in (
        *("cluster", "differentiate", "fft", "integrate", "linalg", "ndimage"),
        *("optimize", "signal", "spatial", "special", "stats", "_lib"),
    )
)
# A run with fewer tests than this has lost a package on the way, or SciPy's marks, and proves nothing.
SCIPY_MINIMUM = 30_000

# How each example is run, besides `--out DIR`, and the kinds of files it must leave in DIR.
EXAMPLES = {
    "mnist/train_mnist.py": (("--data", "digits", "--epochs", "3"), {".dot", ".json", ".npz", ".png", ".svg"}),
}

# -------------------------------------------------------------------------------------------- Pythons


def has_python(version: str) -> bool:
    """Tell whether a Python of this version runs here; one that only pyenv knows is put at the end of PATH."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return True
    for folder in os.get_exec_path():
        candidate = shutil.which(f"python{version}", path=folder)
        # A pyenv shim is there for every Python that pyenv has, and fails for those it has not activated.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return True
    if pyenv := shutil.which("pyenv"):
        listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout
        for name in reversed(listed.split()):
            if re.fullmatch(re.escape(version) + r"\.\d+", name):
                prefix = subprocess.run([pyenv, "prefix", name], capture_output=True, text=True, check=True).stdout
                os.environ["PATH"] += os.pathsep + str(Path(prefix.strip(), "bin"))
                return True
    return False


def matrix() -> list[str]:
    """Give the Pythons to test on: the oldest and the newest, and a stand-in for either that is missing."""
    if sys.platform == "win32":  # where Pythons are found through the registry, by nox itself
        return [OLDEST_PYTHON, NEWEST_PYTHON]
    pythons = {OLDEST_PYTHON, NEWEST_PYTHON}
    missing = [version for version in sorted(pythons) if not has_python(version)]
    if missing:
        found = [version for version in SUPPORTED_PYTHONS if version not in missing and has_python(version)]
        pythons.update(found[:1] if OLDEST_PYTHON in missing else [], found[-1:] if NEWEST_PYTHON in missing else [])
    return sorted(pythons, key=lambda version: int(version.partition(".")[2]))


PYTHONS = matrix()


def newest_python() -> str:
    """Give the newest of the matrix's Pythons that runs here."""
    return next((version for version in reversed(PYTHONS) if has_python(version)), NEWEST_PYTHON)


nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
# A missing Python is reported as a skipped session on CI systems too.
nox.options.error_on_missing_interpreters = False
# One session per core; each prints as a block when it ends.
nox.options.parallel = "auto"
nox.options.allow_parallel = True
nox.options.sessions = [
    # The longest first, so that all cores are busy to the end.
    # The newest Python with the newest dependencies, the oldest with the oldest; a Python that is missing is reported.
    *(f"tests-{newest_python()}({backend})" for backend in reversed(DEFAULT_BACKENDS)),
    "tests_lowest",
    *(f"tests-{python}(numpy)" for python in PYTHONS if not has_python(python)),
    *(f"conformance({backend})" for backend in reversed(DEFAULT_BACKENDS)),
    "examples",
    "docs",
    "build",
    "typing",
    "imports",
    "lint",
]

# -------------------------------------------------------------------------------------------- helpers


def tool(*names: str) -> list[str]:
    """Give the requirements of these tools as the extra `dev` states them, so that they stand in one place."""
    stated = {re.split(r"[^\w-]", line, maxsplit=1)[0]: line for line in PROJECT["optional-dependencies"]["dev"]}
    return [stated[name] for name in names]


def install(session: nox.Session, *extras: str, tools: tuple[str, ...] = ()) -> None:
    """Install xdbr from this checkout, editable, with extras and tools; and forget the caller's settings."""
    session.install("-e", f".[{','.join(extras)}]" if extras else ".", *tool(*tools))
    session.env.update({"XDBR_DEVICE": None, "XDBR_DEFAULT_DTYPE": None, "MPLBACKEND": "Agg"})


def cuda_extra(session: nox.Session) -> str:
    """Give the extra for the CUDA that the driver of this machine supports."""
    command = shutil.which("nvidia-smi")
    if command is None:
        session.skip("backend cupy is not on this machine: there is no nvidia-smi, hence no NVIDIA driver")
    said = subprocess.run([command], capture_output=True, text=True, check=False)
    version = re.search(r"CUDA Version:\s*(\d+)", said.stdout)
    if said.returncode != 0 or version is None:
        session.skip(f"backend cupy is not on this machine: nvidia-smi says {(said.stdout + said.stderr).strip()!r}")
    return f"cuda{min(int(version[1]), 13)}"


def install_for(session: nox.Session, backend: str, *extras: str, tools: tuple[str, ...] = ()) -> None:
    """Install extras and what a backend needs; skip the session, with the reason, where the backend cannot work."""
    extra = cuda_extra(session) if backend == "cupy" else BACKENDS[backend]
    install(session, *sorted({*extras, *([extra] if extra else [])}), tools=tools)
    # `available` gives the reason, or nothing where the backend can be used.
    probe = f"import xdbr; print(xdbr.backends.available()[{backend!r}] or '')"
    reason = str(session.run("python", "-c", probe, silent=True)).strip()
    if reason and backend in DEFAULT_BACKENDS:
        session.error(f"backend {backend} needs nothing but its package, and is not available: {reason}")
    if reason:
        session.skip(f"backend {backend} is not on this machine: {reason}")


# ------------------------------------------------------------------------------------------- sessions


@nox.session
def lint(session: nox.Session) -> None:
    """Check formatting and lint rules."""
    session.install(*tool("ruff"))
    session.run("ruff", "check", *session.posargs, ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types with mypy --strict."""
    install(session, tools=("mypy",))
    session.run("mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """Check that every file imports only downward, and that only the backends name an array library."""
    install(session, tools=("import-linter",))
    # Without the cache, which keeps what an unchanged file imported when a module that it names was not there yet.
    session.run("lint-imports", "--no-cache", *session.posargs)


# What has a session of its own: the snippets and doctests, which show NumPy's values, and the examples.
ELSEWHERE = ("--ignore=tests/test_docs.py", "--ignore=tests/test_examples.py")


@nox.session(python=PYTHONS)
@nox.parametrize("backend", list(BACKENDS), ids=list(BACKENDS))
def tests(session: nox.Session, backend: str) -> None:
    """Run the tests on one backend and one Python."""
    # The strict backend is always there, to move arrays to; SciPy has the special functions without a portable form.
    install_for(session, backend, "scipy", "strict", tools=("pytest", "hypothesis"))
    session.run("python", "-m", "pytest", *(session.posargs or ELSEWHERE), env={"XDBR_TEST_BACKEND": backend})


@nox.session(python=OLDEST_PYTHON)
def tests_lowest(session: nox.Session) -> None:
    """Run the tests on the lowest versions of the dependencies that the package admits."""
    lowest = [re.sub(r">=(.*)", r"==\1.*", line) for line in PROJECT["dependencies"]]
    session.install("-e", ".[strict]", *lowest, *tool("pytest", "hypothesis"))
    session.env.update({"XDBR_DEVICE": None, "XDBR_DEFAULT_DTYPE": None, "XDBR_TEST_BACKEND": "numpy"})
    session.run("python", "-m", "pytest", *(session.posargs or ELSEWHERE))


@nox.session
@nox.parametrize("gpus", [1, 2])
def cupy_standin(session: nox.Session, gpus: int) -> None:
    """Run the tests on the backend cupy without a GPU, over a stand-in of CuPy in host memory."""
    if shutil.which("cc") is None:
        session.skip("there is no C compiler on this machine, which the kernels need")
    install(session, "scipy", "strict", tools=("pytest", "hypothesis"))
    where = {"PYTHONPATH": str(ROOT / "tests"), "XDBR_TEST_BACKEND": "cupy", "CUPY_STANDIN_GPUS": str(gpus)}
    ours = "--ignore=tests/test_cupy_backend.py"  # makes stand-ins of its own
    session.run("python", "-m", "pytest", "-pcupy_standin", *(session.posargs or [*ELSEWHERE, ours]), env=where)


@nox.session
def cupy_special(session: nox.Session) -> None:
    """Check the special functions of the backend cupy without a GPU, their CUDA texts compiled by g++."""
    if shutil.which("g++") is None:
        session.skip("g++ is not on this machine")
    install(session, "cuda12", "scipy", "strict", tools=("pytest", "hypothesis"))
    plugin = {"PYTHONPATH": str(ROOT / "tests"), "XDBR_TEST_BACKEND": "numpy"}
    chosen = session.posargs or ["-k", "special", "tests/test_special.py", "tests/test_specs.py"]
    session.run("python", "-m", "pytest", "-pcupyx_on_host", *chosen, env=plugin)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the snippets of README and docs, and the examples in all docstrings."""
    install(session, "examples", "scipy", "strict", tools=("pytest", "hypothesis"))
    session.run("python", "-m", "pytest", *(session.posargs or ["tests/test_docs.py"]))


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example, short, on real data, and see that it left what it promises."""
    install(session, "examples", "strict", tools=("pytest", "hypothesis"))
    session.run("python", "-m", "pytest", "tests/test_examples.py")
    there = {path.relative_to(ROOT / "examples").as_posix() for path in ROOT.glob("examples/*/[!_]*.py")}
    if there != set(EXAMPLES):
        session.error(f"the noxfile runs the examples {sorted(EXAMPLES)}, and there are {sorted(there)}")
    for script, (arguments, promised) in EXAMPLES.items():
        for device in DEFAULT_BACKENDS:
            with tempfile.TemporaryDirectory() as out:
                path = str(ROOT / "examples" / script)
                session.run("python", path, *arguments, "--out", out, *session.posargs, env={"XDBR_DEVICE": device})
                left = {file.suffix for file in Path(out).rglob("*") if file.stat().st_size > 0}
                if not promised <= left:
                    session.error(f"examples/{script} on {device} left no {sorted(promised - left)} in --out")


@nox.session(allow_parallel=False)
def bench(session: nox.Session) -> None:
    """Run the benchmarks, or those named after `--`, such as `import_time.py`."""
    install(session, "torch")
    for script in session.posargs or sorted(path.name for path in ROOT.glob("benchmarks/[!_]*.py")):
        session.run("python", str(ROOT / "benchmarks" / script))


# ------------------------------------------------------------------------------------- distributions

# What shows that a distribution is whole; what the code in it does is tested by the sessions on the checkout.
BUILT = [f"tests/{part}" for part in ("autograd", "data", "nn", "optim", "serializers")] + [
    f"tests/test_{part}.py" for part in ("elementwise", "linalg", "packaging", "special", "special_portable")
]


@nox.session
def dist(session: nox.Session) -> None:
    """Build the sdist, and the wheel from it, into nox's cache folder."""
    session.install(*tool("build"))
    target = session.cache_dir / "dist"
    shutil.rmtree(target, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(target), str(ROOT))


@nox.session(reuse_venv=False, requires=["dist"])
@nox.parametrize("artifact", ["wheel", "sdist"], ids=["wheel", "sdist"])
def build(session: nox.Session, artifact: str) -> None:
    """Install a built distribution into a clean environment and run tests of each part of the library there."""
    built = {"wheel": "*.whl", "sdist": "*.tar.gz"}
    paths = {kind: next((session.cache_dir / "dist").resolve().glob(pattern)) for kind, pattern in built.items()}
    session.install(f"{paths[artifact]}[strict]", *tool("pytest", "hypothesis"))
    session.env.update({"XDBR_DEVICE": None, "XDBR_DEFAULT_DTYPE": None, "MPLBACKEND": "Agg"})
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):
        session.run("python", "-m", "pip", "check")
        session.run("python", "-m", "tarfile", "-e", str(paths["sdist"]), folder)
        (source,) = Path(folder).iterdir()
        # What the tests import must be what pip installed.
        shutil.rmtree(source / "xdbr")
        session.chdir(source)
        session.run("python", "-c", "import xdbr; print('testing', xdbr.__version__, 'in', xdbr.__path__[0])")
        session.run("python", "-m", "pytest", *(session.posargs or BUILT))


# --------------------------------------------------------------------------------------- conformance


def git(*arguments: str, folder: Path) -> None:
    """Run git in a folder; it asks nothing and gives up on a network that does not answer."""
    patience = ["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30"]
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    subprocess.run(
        ["git", *patience, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        check=True,
    )


def is_suite(folder: Path) -> bool:
    """Tell whether a folder is a clone of array-api-tests with its submodule."""
    return (folder / "array_api_tests").is_dir() and (folder / "array-api" / "spec").is_dir()


def find_suite(session: nox.Session, given: str | None) -> Path:
    """Give the folder of array-api-tests: the given one, or a shallow clone that nox's cache keeps."""
    if given:
        folder = Path(session.invoked_from, given).resolve()
        if not is_suite(folder):
            session.error(f"{folder} is no clone of {SUITE_URL} with its submodule array-api")
        return folder
    folder = session.cache_dir.resolve() / f"array-api-tests-{SUITE_COMMIT[:12]}"
    if is_suite(folder):
        return folder
    session.log(f"cloning {SUITE_URL} at {SUITE_COMMIT[:12]}")
    # Cloned aside and moved when whole: another session may be doing the same.
    with tempfile.TemporaryDirectory(dir=session.cache_dir.resolve()) as aside:
        clone = Path(aside, "clone")
        clone.mkdir()
        try:
            git("init", "--quiet", folder=clone)
            git("remote", "add", "origin", SUITE_URL, folder=clone)
            git("fetch", "--depth", "1", "origin", SUITE_COMMIT, folder=clone)
            git("checkout", "--quiet", "FETCH_HEAD", folder=clone)
            git("submodule", "update", "--init", "--depth", "1", folder=clone)
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            session.skip(
                f"NOT RUN: cannot clone {SUITE_URL}: {said.strip().splitlines()[-1]}; "
                "name a clone with XDBR_ARRAY_API_TESTS=PATH or -- --suite PATH"
            )
        with contextlib.suppress(OSError):  # the other session was first
            clone.rename(folder)
    return folder


def outcomes(report: Path) -> dict[str, str]:
    """Read a JUnit report: from "test_linalg::test_det" to "passed", "failure", "error" or "skipped"."""
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('array_api_tests.')}::{case.get('name')}"
        outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        found[name] = outcome if found.get(name, "passed") == "passed" else found[name]
    return found


def run_conformance(session: nox.Session, backend: str, examples: int, *stand_ins: str) -> None:
    """Run array-api-tests on `xdbr` with a default device, on the backend's own namespace, and on stand-ins for `xdbr`.

    No test may fail but those that `limits.toml` lists for the backend.
    """
    parser = argparse.ArgumentParser(prog=f"nox -s {session.name} --")
    parser.add_argument("--suite", default=os.environ.get("XDBR_ARRAY_API_TESTS"), help="a clone of array-api-tests")
    parser.add_argument("--examples", type=int, default=examples, help="examples for each test")
    options, pytest_arguments = parser.parse_known_args(session.posargs)
    suite = find_suite(session, options.suite)
    install_for(session, backend)
    session.install("-r", str(suite / "requirements.txt"))
    limits = LIMITS.get(backend, {})
    listed: dict[str, str] = limits.get("tests", {})
    if limits and backend in DEFAULT_BACKENDS:
        session.error(f"limits.toml lists {backend}, on which every test has to pass")
    results: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as scratch, session.chdir(suite):
        for module, device in (("xdbr", backend), (f"xdbr.{backend}", None), *((one, backend) for one in stand_ins)):
            report = Path(scratch, f"{module}.xml")
            session.run(
                "python",
                "-m",
                "pytest",
                "-q",
                "--tb=short",
                "--disable-warnings",  # the suite warns of what it cannot parse in the standard's text
                # Nothing is written into the clone, which may be the user's own.
                "-pno:cacheprovider",
                f"--junitxml={report}",
                f"--max-examples={options.examples}",
                "--disable-deadline",
                *(pytest_arguments or ["array_api_tests"]),
                env={
                    "ARRAY_API_TESTS_MODULE": module,
                    "ARRAY_API_TESTS_SKIP_DTYPES": ",".join(limits.get("dtypes", {})),
                    "XDBR_DEVICE": device,
                    "PYTHONPATH": str(STAND_IN.parent),
                    "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                success_codes=[0, 1],  # 1: some tests failed, which are read below
            )
            results[module] = outcomes(report)
    for module, found in results.items():
        counted = {kind: list(found.values()).count(kind) for kind in ("passed", "failure", "error", "skipped")}
        said = ", ".join(f"{n} {kind}" for kind, n in counted.items())
        session.log(f"conformance of {module} on {backend}, {options.examples} examples: {said}")
    for name, cause in listed.items():
        if any(found.get(name) == "failure" for found in results.values()):
            session.log(f"{backend} cannot: {name}: {cause}")
        elif any(name in found for found in results.values()):
            session.warn(f"{backend}: {name} is listed in limits.toml and has not failed in any of the runs")
    for module, found in results.items():
        if not pytest_arguments and len(found) - list(found.values()).count("skipped") < SUITE_MINIMUM:
            session.error(f"{module}: fewer than {SUITE_MINIMUM} tests ran")
        failed = [name for name, outcome in found.items() if outcome in ("failure", "error") and name not in listed]
        if failed:
            session.error(f"{module} on {backend}: {len(failed)} tests failed: {', '.join(failed)}")


@nox.session
@nox.parametrize("backend", list(BACKENDS), ids=list(BACKENDS))
def conformance(session: nox.Session, backend: str) -> None:
    """Run the standard's own test suite, 30 examples a test; `-- --suite PATH --examples N`."""
    run_conformance(session, backend, 30)


@nox.session
@nox.parametrize("backend", list(BACKENDS), ids=list(BACKENDS))
def conformance_full(session: nox.Session, backend: str) -> None:
    """Run the standard's own test suite, 200 examples a test, also with inputs that need gradient."""
    run_conformance(session, backend, 200, STAND_IN.stem)


# ------------------------------------------------------------------------------------- downstream code


# array-api-strict refuses what SciPy does beyond the letter of the standard (`tanhsinh` multiplies integers by floats).
LENIENT = [backend for backend in BACKENDS if backend != "strict"]


@nox.session(python=NEWEST_PYTHON)
@nox.parametrize("backend", LENIENT, ids=LENIENT)
def downstream(session: nox.Session, backend: str) -> None:
    """Check gradients through SciPy, scikit-learn, einops, array-api-extra and xarray; `-- -k stats`."""
    install_for(session, backend, "downstream", tools=("pytest", "hypothesis"))
    # SciPy reads its switch when it is imported, and its precision is that of float64.
    session.env.update({"SCIPY_ARRAY_API": "1", "XDBR_DEFAULT_DTYPE": "float64", "XDBR_TEST_BACKEND": backend})
    session.run("python", "-m", "pytest", "tests/downstream", *session.posargs)


@nox.session(python=NEWEST_PYTHON)
def scipy_suite(session: nox.Session) -> None:
    """Run SciPy's own tests with xdbr in array-api-strict's place; `-- --needs-gradient`, `-- scipy.stats -k skew`."""
    install(session, tools=("pytest", "hypothesis"))
    session.install(SCIPY, "matplotlib")
    plugin = ROOT / "tests" / "downstream"
    narrowed = [argument for argument in session.posargs if argument != "--needs-gradient"]
    gradient = [argument for argument in session.posargs if argument == "--needs-gradient"]
    with tempfile.TemporaryDirectory() as scratch, session.chdir(scratch):
        report = Path(scratch, "scipy.xml")
        session.run(
            "python",
            "-m",
            "pytest",
            "-pscipy_suite",
            "-q",
            "--tb=short",
            "--disable-warnings",
            "-pno:cacheprovider",
            f"--junitxml={report}",
            "-marray_api_backends",
            *gradient,
            "--pyargs",
            *(narrowed or SCIPY_PACKAGES),
            env={
                "SCIPY_ARRAY_API": '["array_api_strict"]',
                "XDBR_DEFAULT_DTYPE": "float64",
                "PYTHONPATH": str(plugin),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            success_codes=[0, 1],  # 1: some tests failed, which are counted below
        )
        count = {
            key: sum(int(run.get(key, 0)) for run in ET.parse(report).iter("testsuite"))
            for key in ("tests", "failures", "errors", "skipped")
        }
        stopped = sum("stopped: " in (one.get("message") or "") for one in ET.parse(report).iter("skipped"))
    session.log(
        f"SciPy's tests: {count['tests']}, of them {count['failures']} failures and {count['errors']} errors that are "
        f"not known, {stopped} stopped with GradientError, {count['skipped'] - stopped} skipped or known to fail"
    )
    if not narrowed and count["tests"] < SCIPY_MINIMUM:
        session.error(f"fewer than {SCIPY_MINIMUM} tests ran")
    if count["failures"] or count["errors"]:
        session.error("SciPy's tests fail on xdbr where they are not known to")
