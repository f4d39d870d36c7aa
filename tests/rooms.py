"""The rooms of the core, from the bottom up."""

ROWS = [
    {"errors", "settings", "once", "locks", "interrupts"},
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
"""A room imports from lower rows only, never from its own row."""
