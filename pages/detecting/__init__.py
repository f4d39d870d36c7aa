"""The parts of the page on which detectors look for faces in photos."""
