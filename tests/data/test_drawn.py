"""The drawn data set as a source: labels by factor, shares, seed, tied to the code that draws."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.data.making import store_of
from vaelab.data.sources import Synthetic
from vaelab.errors import ConfigError, DataError


def test_synthetic_labels_faces_by_factor_and_things_by_class(tmp_path):
    store = store_of(Synthetic(num_faces=40, num_nonfaces=30, seed=3), tmp_path / "out", size=32)
    faces, things = store.labels[store.labels["is_face"]], store.labels[~store.labels["is_face"]]
    assert len(faces) == 40
    assert faces["skin"].notna().all()
    assert things["skin"].isna().all()
    assert things["object_class"].notna().all()
    assert faces["object_class"].isna().all()
    assert not [name for name in store.labels.columns if name.startswith("_") or name == "texture_seed"]
    assert "calibration" not in set(faces["split"])


def test_synthetic_obeys_shares_and_seed(tmp_path):
    shares = {"skin": {"dark": 0.1, "light": 0.9}}
    labels = Synthetic(num_faces=50, num_nonfaces=0, shares=shares).listing().records
    assert labels["skin"].value_counts().to_dict() == {"light": 45, "dark": 5}
    one, same = (Synthetic(num_faces=10, num_nonfaces=5, seed=4).listing().records for _ in range(2))
    other = Synthetic(num_faces=10, num_nonfaces=5, seed=5).listing().records
    pd.testing.assert_frame_equal(one, same)
    assert not one["age"].equals(other["age"])


def test_synthetic_pixels_are_the_renderers(tmp_path):
    from vaelab.data import synthetic

    store = store_of(Synthetic(num_faces=12, num_nonfaces=9), tmp_path / "out", size=32)
    assert (store.pixels[:12] == synthetic.render_faces(synthetic.sample_factors(12, 0), 32)).all()
    assert (store.pixels[12:] == synthetic.render_nonfaces(synthetic.sample_nonfaces(9, 0), 32)).all()


def test_synthetic_refuses_nonsense():
    with pytest.raises(DataError, match="not both 0"):
        Synthetic(num_faces=0, num_nonfaces=0)
    with pytest.raises(DataError, match="0 or more"):
        Synthetic(num_faces=-1)
    with pytest.raises(ConfigError, match="Unknown factor"):
        Synthetic(shares={"mood": {"good": 1.0}}).listing()


def test_synthetic_store_is_tied_to_the_drawing_code(tmp_path, monkeypatch):
    store_of(Synthetic(num_faces=8, num_nonfaces=2), tmp_path / "out", size=16)
    monkeypatch.setattr(Synthetic, "identity", lambda self: "another version")
    with pytest.raises(DataError, match="another request"):
        store_of(Synthetic(num_faces=8, num_nonfaces=2), tmp_path / "out", size=16)
