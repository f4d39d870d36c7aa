"""Every error vaelab raises on purpose. A message says what is wrong, what was met, what was expected, what to do."""


class VaelabError(Exception):
    """Base of all errors that a person caused or can mend; pages and the command line show its text."""


class ConfigError(VaelabError):
    """A setting is unknown, of the wrong type, out of bounds or contradicts another one."""


class DataError(VaelabError):
    """A data source, prepared store or picture cannot be used."""


class CheckpointError(VaelabError):
    """A weights or state file is missing, damaged or does not fit the model."""


class RunError(VaelabError):
    """A run folder is missing, in the wrong state or already in use."""


class TrainingDiverged(VaelabError):
    """The loss stopped being a finite number."""


class Cancelled(VaelabError):
    """Somebody asked this run to stop."""
