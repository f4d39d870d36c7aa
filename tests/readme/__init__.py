"""The parts of the README that follow from the code and from kept results.

`make readme` writes them, `test_readme.py` holds the README to them.
"""
