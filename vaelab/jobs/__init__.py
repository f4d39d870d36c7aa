"""Trainings in the background: started from a page or the command line, each in a process of its own.

A child process rather than a thread: running out of memory or a crash must not take the pages down, and a restarted
server finds the training still going. Its folder is the only channel; the order of waiting runs lies on disk too.
"""

from vaelab.jobs.queue import advance, check_resumable, position, queue, require_data, resume, start, stop

__all__ = ["advance", "check_resumable", "position", "queue", "require_data", "resume", "start", "stop"]
