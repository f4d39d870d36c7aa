"""Do the intervals of the fairness statistics hold what they promise? `python -m benchmarks.coverage`.

Experiments are simulated whose truth is known: seeds differ as a whole and by group, pictures are hard for all
networks, for those of an arm, or for one. An interval of 95 % should hold the truth in 93 to 97 % of them, and a rule
at the 5 % level should see a difference that is not there in no more than 5 %.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from vaelab.data.groups import Grouping
from vaelab.evaluation.fairness.effects import effects
from vaelab.evaluation.fairness.measured import measured
from vaelab.evaluation.fairness.measures import average, gap, worst_group
from vaelab.evaluation.fairness.permutation import labels_permuted
from vaelab.evaluation.fairness.resampling import recalls
from vaelab.evaluation.fairness.scores import Scores
from vaelab.evaluation.fairness.two_level import TwoLevel, share
from vaelab.evaluation.fairness.verdicts import verdict
from vaelab.evaluation.rates import rate
from vaelab.rng import numpy_generator

OUT = Path(__file__).with_name("coverage.json")
MEASURES = {"worst_group": worst_group, "gap": gap, "average": average}
GROUPS = tuple("vwxyz")
SEED_SPREAD, SEED_GROUP_SPREAD = 0.15, 0.1
"""Standard deviations, in those of a picture's logit, of what a seed does to all groups and to one."""
SHARED, OF_ARM = 0.7, 0.3
OF_CLASS = 0.5
"""Standard deviation of what a negative's class does to all networks, out of the shared part, where there are any."""
"""Standard deviations of what a picture does to all networks, and to those of one arm; the rest is each network's."""


@dataclass(frozen=True)
class World:
    """An experiment that can be repeated.

    Attributes:
        skill: (arms, groups) how far the faces of a group lie above the negatives, in standard deviations.
        num_classes: of the negatives; 0 leaves them independent.
        is_told: whether the statistics know the classes.
    """

    name: str
    skill: tuple[tuple[float, ...], ...]
    num_seeds: int
    faces_per_group: int
    num_calibration: int
    fpr: float
    num_classes: int = 0
    is_told: bool = True

    def scores(self, random: np.random.Generator) -> Scores:
        """One experiment: new seeds, new pictures."""
        skill = np.array(self.skill)
        arms, groups = skill.shape
        keys = np.repeat(np.arange(groups), self.faces_per_group)
        of_seed = random.normal(0, SEED_SPREAD, (arms, self.num_seeds, 1))
        of_group = random.normal(0, SEED_GROUP_SPREAD, (arms, self.num_seeds, groups))
        faces = self._clouds(random, len(keys)) + (skill[:, None] + of_group)[:, :, keys] + of_seed
        numbers = np.arange(self.num_calibration) % self.num_classes if self.num_classes else None
        calibration, negatives = self._clouds(random, self.num_calibration, numbers), self._clouds(random, 2)
        return Scores(
            tuple("abc"[:arms]), tuple(range(self.num_seeds)), faces.astype(np.float32), negatives.astype(np.float32),
            calibration.astype(np.float32), pd.DataFrame({"group": np.array(GROUPS)[keys]}),
            calibration_classes=numbers.astype(str) if numbers is not None and self.is_told else None,
        )  # fmt: skip

    def _clouds(self, random: np.random.Generator, number: int, classes: np.ndarray | None = None) -> np.ndarray:
        arms = len(self.skill)
        own = (1.0 - SHARED**2 - OF_ARM**2) ** 0.5
        shared = SHARED * random.standard_normal(number)
        if classes is not None:
            shared *= (1.0 - OF_CLASS**2 / SHARED**2) ** 0.5
            shared += OF_CLASS * random.standard_normal(self.num_classes)[classes]
        return np.asarray(
            shared
            + OF_ARM * random.standard_normal((arms, 1, number))
            + own * random.standard_normal((arms, self.num_seeds, number))
        )

    def recall(self, draws: int = 100_000) -> np.ndarray:
        """(arms, draws, groups) recall on endlessly many pictures, of networks from many seeds."""
        random = numpy_generator(0, "coverage", "truth")
        of_seed = random.normal(0, SEED_SPREAD, (draws, 1)) + random.normal(0, SEED_GROUP_SPREAD, (draws, len(GROUPS)))
        return np.asarray(norm.cdf(np.array(self.skill)[:, None] + of_seed - norm.ppf(1.0 - self.fpr)))


def _levels(*skills: float) -> tuple[float, ...]:
    return skills if len(skills) > 1 else skills * len(GROUPS)


WORLDS = (
    World("all alike", (_levels(3.6),) * 3, 6, 150, 2000, 0.05),
    World(
        "one group lags in a and b, none in c",
        ((3.6, 3.6, 3.6, 3.6, 3.0),) * 2 + (_levels(3.6),), 6, 150, 2000, 0.05,
    ),
    World("all alike, 10 seeds", (_levels(4.0),) * 3, 10, 600, 10_000, 0.01),
    World(
        "one group lags in a and b, 10 seeds",
        ((4.0, 4.0, 4.0, 4.0, 3.6),) * 2 + (_levels(4.0),), 10, 600, 10_000, 0.01,
    ),
    World(
        "one group lags in a and b, negatives of 68 classes",
        ((4.0, 4.0, 4.0, 4.0, 3.6),) * 2 + (_levels(4.0),), 6, 600, 10_880, 0.01, num_classes=68,
    ),
    World(
        "the same, classes taken no notice of",
        ((4.0, 4.0, 4.0, 4.0, 3.6),) * 2 + (_levels(4.0),), 6, 600, 10_880, 0.01, num_classes=68, is_told=False,
    ),
)  # fmt: skip


def simulate(world: World, simulations: int, resamples: int, seed: int = 0) -> dict[str, float]:
    """Shares of simulated experiments: how often an interval held the truth, how often a rule saw a difference."""
    random = numpy_generator(seed, "coverage", world.name)
    truth = world.recall()
    real = {name: measure(truth).mean(axis=1) for name, measure in MEASURES.items()}
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for number in range(simulations):
        scores = world.scores(random)
        grouping = Grouping.of(scores.labels, ["group"])
        found = recalls(scores, grouping, world.fpr, seed=number, resamples=resamples)
        figures = measured(found)
        mean = share(found.by_group[0, :, -1], found.by_group_resampled[:, 0, :, -1], world.faces_per_group)
        outcomes["recall of a group, mean over seeds"].append(_holds(mean, truth[0, :, -1].mean()))
        for place, arm in enumerate(scores.arms):
            for name in MEASURES:
                outcomes[f"{name} of {arm}"].append(_holds(figures[name].levels[place], real[name][place]))
        compared = effects(scores.arms, scores.seeds, found, figures)
        for effect, (earlier, later) in zip(compared, itertools.combinations(range(len(scores.arms)), 2), strict=True):
            for name in MEASURES:
                difference = real[name][later] - real[name][earlier]
                outcomes[f"{name}, {effect.later} - {effect.earlier}"].append(
                    _holds(effect.changes[name].difference, difference)
                )
        rulings = [verdict(effect, world.fpr, len(GROUPS)).ruling for effect in compared]
        is_same = [one == other for one, other in itertools.combinations(world.skill, 2)]
        outcomes["any verdict where nothing differs"].append(
            any(ruling != "no evidence" for ruling, same in zip(rulings, is_same, strict=True) if same)
        )
        outcomes["verdict improved, c against a"].append(rulings[1] == "improved")
        for arm, permuted in zip(scores.arms, labels_permuted(found.hit, grouping.keys, seed=number, resamples=99),
                                 strict=True):  # fmt: skip
            outcomes[f"gap of {arm} by permutation"].append(permuted.gap_p <= 0.05)
    return {name: float(np.mean(results)) for name, results in outcomes.items()}


def _holds(interval: TwoLevel, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def wilson(simulations: int, seed: int = 0) -> dict[str, float]:
    """Coverage of Wilson's interval of one network's recall in groups of several sizes."""
    random = numpy_generator(seed, "coverage", "wilson")
    found = {}
    for count, recall in ((30, 0.9), (100, 0.95), (700, 0.97)):
        hits = random.binomial(count, recall, simulations)
        intervals = {int(number): rate(int(number), count) for number in np.unique(hits)}
        inside = [intervals[int(number)].low <= recall <= intervals[int(number)].high for number in hits]
        found[f"{count} faces, recall {recall:.0%}"] = float(np.mean(inside))
    return found


def main() -> None:
    """Simulate, print and keep the shares."""
    parser = argparse.ArgumentParser(description="Coverage of the fairness statistics by simulation.")
    parser.add_argument("--simulations", type=int, default=1000, help="of each world (default: %(default)s)")
    parser.add_argument("--resamples", type=int, default=300, help="per experiment (default: %(default)s)")
    names = [world.name for world in WORLDS]
    parser.add_argument("--only", choices=names, action="append", help="worlds to simulate; default: all")
    parser.add_argument("--json", type=Path, default=OUT, help="file to keep the result in (default: %(default)s)")
    arguments = parser.parse_args()
    begun = time.monotonic()
    before = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.is_file() else {}
    is_alike = before.get("resamples") == arguments.resamples
    kept: dict[str, Any] = {"resamples": arguments.resamples, "wilson": wilson(100 * arguments.simulations)}
    kept["worlds"] = before["worlds"] if is_alike else {}
    for world in (world for world in WORLDS if world.name in (arguments.only or names)):
        found = simulate(world, arguments.simulations, arguments.resamples)
        kept["worlds"][world.name] = {"simulations": arguments.simulations, "found": found}
        print(world.name, f"{time.monotonic() - begun:.0f} s", json.dumps(kept["worlds"][world.name], indent=1))
        arguments.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
