"""The house rules that a reader may trust: layers, strangers, randomness, errors, one exp(0.5 * logvar).

A rule yields what a file does against it, with the line; a test holds every file to a rule and shows all offences.
"""

import ast
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.rooms import ROWS

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "vaelab").rglob("*.py"))
PAGES = [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"]

READS_PUBLISHED = ROOT / "vaelab" / "backbone" / "weights.py"
CATCH_ALL = {ROOT / "vaelab" / "training" / "job.py", ROOT / "pages" / "shell" / "boundary.py"}
"""Who may catch what nobody foresaw: whoever tells people of a failed training, and of a failed page."""

FLOOR = {room: floor for floor, row in enumerate(ROWS) for room in row}
NUMPY_RANDOM = {"default_rng", "Generator"}
TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like", "randn_like"}
TORCH_GLOBAL = {"manual_seed", "seed", "pca_lowrank", "svd_lowrank"}

Offences = Iterator[str]
Rule = Callable[[Path], Offences]


def hold(files: Iterable[Path], rule: Rule) -> None:
    """Fail with everything that any file does against the rule."""
    found = [f"{path.relative_to(ROOT)}: {offence}" for path in files for offence in rule(path)]
    assert not found, "\n".join(found)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Full names of the modules that some code imports; `from vaelab import x` counts as vaelab.x."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "vaelab" else (module,)


def packages(path: Path) -> set[str]:
    """The packages that a file imports from, anywhere in it."""
    return {module.split(".")[0] for module in imported(ast.walk(tree(path)))}


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


def imports_upwards(path: Path) -> Offences:
    room = room_of(path)
    for module in imported(ast.walk(tree(path))):
        parts = module.split(".")
        if room == "__init__":
            yield f"importing vaelab imports {module}"
        elif parts[0] == "pages":
            yield f"{module}: the core knows no pages"
        elif parts[0] == "vaelab" and len(parts) > 1 and parts[1] not in ("__version__", room):
            is_above = FLOOR[parts[1]] >= FLOOR[room]
            if is_above and (room, parts[1]) != ("data", "config"):
                yield f"{room} may not import {module}"


def imports_streamlit(path: Path) -> Offences:
    if "streamlit" in packages(path):
        yield "imports streamlit"


def imports_torch(path: Path) -> Offences:
    yield from (f"imports {name}" for name in {"torch", "torchvision"} & packages(path))


def imports_torch_at_once(path: Path) -> Offences:
    """Inside a function, or for types alone, it costs nothing."""
    if "torch" in {module.split(".")[0] for module in imported(tree(path).body)}:
        yield "imports torch at module level"


def lends_generator(node: ast.AST) -> bool:
    """Whether a block runs under `torch.random.fork_rng`, which puts the global generator back."""
    opened = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    return any(isinstance(call, ast.Call) and dotted(call.func).endswith("fork_rng") for call in opened)


def draws_globally(path: Path) -> Offences:
    module = tree(path)
    lent = {id(inner) for node in ast.walk(module) if lends_generator(node) for inner in ast.walk(node)}
    for node in ast.walk(module):
        name = dotted(node)
        if name.startswith(("np.random.", "numpy.random.")) and name.split(".")[2] not in NUMPY_RANDOM:
            yield f"line {getattr(node, 'lineno', 0)}: {name}"
    for called, call in calls(path):
        last = called.split(".")[-1]
        if last == "default_rng" and not call.args:
            yield f"line {call.lineno}: default_rng() without a seed"
        if not called.startswith("torch.") or id(call) in lent:
            continue
        if last in TORCH_DRAWS and "generator" not in {keyword.arg for keyword in call.keywords}:
            yield f"line {call.lineno}: {called} draws from the global generator"
        if last in TORCH_GLOBAL:
            yield f"line {call.lineno}: {called} outside fork_rng"
    if "random" in set(imported(ast.walk(module))):
        yield "the random module is global too"


def halves(node: ast.AST) -> bool:
    """Whether an expression multiplies by 0.5 or divides by 2."""
    if not isinstance(node, ast.BinOp):
        return False
    numbers = [side.value for side in (node.left, node.right) if isinstance(side, ast.Constant)]
    return (isinstance(node.op, ast.Mult) and 0.5 in numbers) or (isinstance(node.op, ast.Div) and numbers == [2])


def halves_a_log_variance(path: Path) -> Offences:
    for name, call in calls(path):
        is_exp = (name.split(".")[-1] or getattr(call.func, "attr", "")) == "exp"
        if is_exp and halves(call.args[0] if call.args else getattr(call.func, "value", call)):
            yield f"line {call.lineno}: use DiagonalGaussian.std"


def unpickles(path: Path) -> Offences:
    """Published weights come no other way than by torch.load; torch's own reader then refuses all but tensors."""
    errors = {"UnpicklingError"} if path == READS_PUBLISHED else set()
    nodes = [
        node
        for node in ast.walk(tree(path))
        if not (isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} <= errors)
    ]
    modules = {module.split(".")[0] for module in imported(nodes)}
    yield from (f"imports {name}" for name in {"pickle", "dill", "joblib", "cloudpickle"} & modules)
    for name, call in calls(path):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if name == "torch.load" and path != READS_PUBLISHED:
            yield f"line {call.lineno}: weights are safetensors"
        if name == "torch.load" and not says(given.get("weights_only"), True):
            yield f"line {call.lineno}: only with weights_only=True"
        if "allow_pickle" in given and not says(given["allow_pickle"], False):
            yield f"line {call.lineno}: allow_pickle"


def says(node: ast.AST | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def catches_all(path: Path) -> Offences:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield f"line {node.lineno}: bare except"
            elif dotted(node.type) in ("Exception", "BaseException") and path not in CATCH_ALL:
                yield f"line {node.lineno}: except {dotted(node.type)}"


def prints_or_exits(path: Path) -> Offences:
    for name, call in calls(path):
        if name in ("print", "sys.exit", "exit", "quit"):
            yield f"line {call.lineno}: {name}"
        if name.startswith("logging.basicConfig"):
            yield f"line {call.lineno}: handlers belong to the command line"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name) and node.id == "SystemExit":
            yield f"line {node.lineno}: SystemExit"


def is_hard_to_read(path: Path) -> Offences:
    if len(path.read_text(encoding="utf-8").splitlines()) > 400:
        yield "more than 400 lines: think again"
    if path.stem in ("utils", "helpers", "misc", "common"):
        yield "a name that says nothing"
    if not ast.get_docstring(tree(path)):
        yield "a module says what it is"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            limit = 150 if node.name == "train" else 60
            if length > limit:
                yield f"{node.name} has {length} lines, at most {limit}"


def has_a_record_that_melts(path: Path) -> Offences:
    for node in ast.walk(tree(path)):
        for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name.split(".")[-1] == "dataclass":
                given = {k.arg: k.value for k in decorator.keywords} if isinstance(decorator, ast.Call) else {}
                if not says(given.get("frozen"), True):
                    yield f"{node.name} is not frozen"


def test_every_room_has_a_place() -> None:
    rooms = {room_of(path) for path in CORE} - {"__init__"}
    assert rooms <= set(FLOOR), "name the new room in tests/rooms.py"


def test_imports_point_down() -> None:
    hold(CORE, imports_upwards)


def test_the_core_knows_no_streamlit() -> None:
    hold(CORE, imports_streamlit)


def test_pages_speak_numpy() -> None:
    hold(PAGES, imports_torch)


@pytest.mark.parametrize("room", ["data", "runs/store.py", "config.py", "errors.py", "rng.py", "recipes.py"])
def test_whoever_only_looks_pays_for_no_torch(room: str) -> None:
    base = ROOT / "vaelab" / room
    hold([base] if base.is_file() else sorted(base.rglob("*.py")), imports_torch_at_once)


def test_every_draw_takes_a_named_generator() -> None:
    hold([*CORE, *PAGES], draws_globally)


def test_only_the_posterior_halves_a_log_variance() -> None:
    hold([path for path in CORE if path != ROOT / "vaelab" / "models" / "gaussian.py"], halves_a_log_variance)


def test_nothing_unpickles() -> None:
    hold([*CORE, *PAGES], unpickles)


def test_errors_are_caught_by_name() -> None:
    hold([*CORE, *PAGES], catches_all)


def test_only_the_command_line_prints_and_exits() -> None:
    hold([*(path for path in CORE if room_of(path) not in ("cli", "__main__")), *PAGES], prints_or_exits)


def test_files_and_functions_stay_readable() -> None:
    hold([*CORE, *PAGES], is_hard_to_read)


def test_records_are_frozen() -> None:
    hold(CORE, has_a_record_that_melts)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (imports_streamlit, "def f():\n    import streamlit as st"),
        (imports_torch, "from torch import nn"),
        (imports_torch_at_once, "import torch.nn"),
        (draws_globally, "import torch\ntorch.randn(3)"),
        (draws_globally, "import torch\ntorch.manual_seed(0)"),
        (draws_globally, "import numpy as np\nnp.random.rand(3)"),
        (draws_globally, "import numpy as np\nnp.random.default_rng()"),
        (draws_globally, "import random"),
        (halves_a_log_variance, "std = (0.5 * logvar).exp()"),
        (halves_a_log_variance, "std = np.exp(logvar / 2)"),
        (unpickles, "import pickle"),
        (unpickles, "torch.load(path, weights_only=True)"),
        (unpickles, "np.load(path, allow_pickle=True)"),
        (catches_all, "try:\n    f()\nexcept:\n    pass"),
        (catches_all, "try:\n    f()\nexcept Exception:\n    pass"),
        (prints_or_exits, "print(1)"),
        (prints_or_exits, "raise SystemExit"),
        (is_hard_to_read, "x = 1"),
        (is_hard_to_read, '"""A module."""\ndef f():\n' + "    pass\n" * 60),
        (has_a_record_that_melts, "@dataclass\nclass A:\n    x: int"),
        (has_a_record_that_melts, "@dataclasses.dataclass(frozen=False)\nclass A:\n    x: int"),
    ],
)
def test_a_rule_sees_what_it_forbids(rule: Rule, code: str, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(code)
    assert list(rule(tmp_path / "module.py"))


def test_a_rule_lets_the_rest_pass(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        '"""A module."""\nimport torch\nwith torch.random.fork_rng():\n    torch.manual_seed(0)\n    torch.randn(3)\n'
        "torch.randn(3, generator=generator)\nx = np.exp(y / 3)\n"
        "@dataclass(frozen=True)\nclass A:\n    x: int\n"
        "try:\n    f()\nexcept ValueError:\n    pass\n"
    )
    rules = (draws_globally, halves_a_log_variance, unpickles, catches_all, is_hard_to_read, has_a_record_that_melts)
    assert [offence for rule in rules for offence in rule(path)] == []
