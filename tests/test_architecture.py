"""The house rules that a reader may trust: layers, strangers, randomness, errors, one exp(0.5 * logvar)."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "vaelab").rglob("*.py"))
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"]

ROWS = [
    {"errors", "settings", "once", "locks"},
    {"config", "rng", "wording"},
    {"data", "models", "runs", "recipes", "recipe_notes", "pictures", "curves", "animation"},
    {"losses", "debiasing", "backbone"},
    {"objectives"},
    {"evaluation", "engine"},
    {"training", "inference", "photos"},
    {"passes"},
    {"scorecard", "priors", "editing", "browser_decoder", "counterfactual", "results", "portraits"},
    {"detection"},
    {"shipping", "jobs", "serving"},
    {"audit"},
    {"cli"},
    {"__main__"},
]
"""Rooms from the bottom up; a room imports from lower rows only, never from its own row."""

READS_PUBLISHED = ROOT / "vaelab" / "backbone" / "weights.py"

FLOOR = {room: floor for floor, row in enumerate(ROWS) for room in row}
NUMPY_RANDOM = {"default_rng", "Generator"}
TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like", "randn_like"}
TORCH_GLOBAL = {"manual_seed", "seed", "pca_lowrank", "svd_lowrank"}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Full names of the modules that some code imports; `from vaelab import x` counts as vaelab.x."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "vaelab" else (module,)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "vaelab").parts[0].removesuffix(".py")


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain, else an empty string."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def test_every_room_has_a_place() -> None:
    rooms = {room_of(path) for path in FILES} - {"__init__"}
    assert rooms <= set(FLOOR), "name the new room in ROWS"


@each_file
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert not list(imported(ast.walk(tree(path)))), "importing vaelab imports nothing"
        return
    for module in imported(ast.walk(tree(path))):
        parts = module.split(".")
        if parts[0] == "pages":
            pytest.fail(f"{path.name} imports {module}: the core knows no pages")
        if parts[0] != "vaelab" or len(parts) < 2 or parts[1] in ("__version__", room):
            continue
        if (room, parts[1]) == ("data", "config"):
            continue
        assert FLOOR[parts[1]] < FLOOR[room], f"{room} may not import {module}"


@each_file
def test_the_core_knows_no_streamlit(path: Path) -> None:
    assert "streamlit" not in {module.split(".")[0] for module in imported(ast.walk(tree(path)))}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_speak_numpy(path: Path) -> None:
    assert not {"torch", "torchvision"} & {module.split(".")[0] for module in imported(ast.walk(tree(path)))}


@pytest.mark.parametrize("room", ["data", "runs/store.py", "config.py", "errors.py", "rng.py", "recipes.py"])
def test_whoever_only_looks_pays_for_no_torch(room: str) -> None:
    """No torch at module level; inside a function, or for types alone, it costs nothing."""
    base = ROOT / "vaelab" / room
    for path in [base] if base.is_file() else sorted(base.rglob("*.py")):
        assert "torch" not in {module.split(".")[0] for module in imported(iter(tree(path).body))}, path


def lends_generator(node: ast.AST) -> bool:
    """Whether a block runs under `torch.random.fork_rng`, which puts the global generator back."""
    opened = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    return any(isinstance(call, ast.Call) and dotted(call.func).endswith("fork_rng") for call in opened)


@each_file
def test_every_draw_takes_a_named_generator(path: Path) -> None:
    module = tree(path)
    lent = {id(inner) for node in ast.walk(module) if lends_generator(node) for inner in ast.walk(node)}
    for node in ast.walk(module):
        name = dotted(node)
        if name.startswith(("np.random.", "numpy.random.")):
            assert name.split(".")[2] in NUMPY_RANDOM, f"line {getattr(node, 'lineno', 0)}: {name}"
        if not isinstance(node, ast.Call):
            continue
        called = dotted(node.func)
        if called.endswith("default_rng"):
            assert node.args, f"line {node.lineno}: default_rng() without a seed"
        if called.startswith("torch.") and called.split(".")[-1] in TORCH_DRAWS:
            given = {keyword.arg for keyword in node.keywords}
            assert "generator" in given or id(node) in lent, (
                f"line {node.lineno}: {called} draws from the global generator"
            )
        if called.startswith("torch.") and called.split(".")[-1] in TORCH_GLOBAL:
            assert id(node) in lent, f"line {node.lineno}: {called} outside fork_rng"
    assert "random" not in set(imported(ast.walk(module))), "the random module is global too"


def halves(node: ast.AST) -> bool:
    """Whether an expression multiplies by 0.5 or divides by 2."""
    if not isinstance(node, ast.BinOp):
        return False
    numbers = [side.value for side in (node.left, node.right) if isinstance(side, ast.Constant)]
    return (isinstance(node.op, ast.Mult) and 0.5 in numbers) or (isinstance(node.op, ast.Div) and numbers == [2])


@each_file
def test_only_the_posterior_halves_a_log_variance(path: Path) -> None:
    if path == ROOT / "vaelab" / "models" / "gaussian.py":
        return
    for name, call in calls(path):
        if (name.split(".")[-1] or getattr(call.func, "attr", "")) != "exp":
            continue
        inner = call.args[0] if call.args else getattr(call.func, "value", call)
        assert not halves(inner), f"line {call.lineno}: use DiagonalGaussian.std"


@each_file
def test_nothing_unpickles(path: Path) -> None:
    errors = {"UnpicklingError"} if path == READS_PUBLISHED else set()
    nodes = [
        node
        for node in ast.walk(tree(path))
        if not (isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} <= errors)
    ]
    modules = {module.split(".")[0] for module in imported(iter(nodes))}
    assert not {"pickle", "dill", "joblib", "cloudpickle"} & modules
    for name, call in calls(path):
        if name == "torch.load":  # published weights come no other way; torch's own reader refuses all but tensors
            given = {k.arg: k.value for k in call.keywords}
            is_safe = isinstance(safe := given.get("weights_only"), ast.Constant) and safe.value is True
            assert path == READS_PUBLISHED, f"line {call.lineno}: weights are safetensors"
            assert is_safe, f"line {call.lineno}: only with weights_only=True"
        allowed = [k.value for k in call.keywords if k.arg == "allow_pickle"]
        assert all(isinstance(value, ast.Constant) and value.value is False for value in allowed)


@each_file
def test_errors_are_caught_by_name(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: bare except"
            if dotted(node.type) in ("Exception", "BaseException"):
                assert path == ROOT / "vaelab" / "training" / "job.py", f"line {node.lineno}: only the job may"


@each_file
def test_only_the_command_line_prints_and_exits(path: Path) -> None:
    if room_of(path) in ("cli", "__main__"):
        return
    for name, call in calls(path):
        assert name not in ("print", "sys.exit", "exit", "quit"), f"line {call.lineno}: {name}"
        assert not name.startswith("logging.basicConfig"), f"line {call.lineno}: handlers belong to the command line"
    for node in ast.walk(tree(path)):
        assert not (isinstance(node, ast.Name) and node.id == "SystemExit"), f"line {node.lineno}"


@each_file
def test_files_and_functions_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, "think again"
    assert path.stem not in ("utils", "helpers", "misc", "common")
    assert ast.get_docstring(ast.parse(text)), "a module says what it is"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            limit = 150 if node.name == "train" else 60
            assert length <= limit, f"{node.name} has {length} lines, at most {limit}"


@each_file
def test_records_are_frozen(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name.split(".")[-1] == "dataclass":
                given = {k.arg: k.value for k in decorator.keywords} if isinstance(decorator, ast.Call) else {}
                frozen = given.get("frozen")
                assert isinstance(frozen, ast.Constant), f"{node.name} is not frozen"
                assert frozen.value is True, f"{node.name} is not frozen"
