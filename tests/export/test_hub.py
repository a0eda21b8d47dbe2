"""The hub-ready folder: shards, card, Croissant."""

import pyarrow.parquet as pq
import pytest
import yaml

from lookalike import api
from lookalike.errors import RunError

RECIPE = {
    "lookalike": 1,
    "name": "shop",
    "seed": 3,
    "tables": {
        "items": {"rows": 25, "columns": {"n": {"kind": "sequence", "start": 1}, "x": {"kind": "normal", "mean": 0, "sd": 1}}}
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return api.run(RECIPE, tmp_path_factory.mktemp("hub") / "run")


def test_shards_hold_all_rows_in_order(run, tmp_path):
    """Rows are cut into shards of the asked size, named as hubs expect, and none is lost."""
    api.export(run, to="hub", path=tmp_path / "out", rows_per_file=10)
    shards = sorted((tmp_path / "out" / "data" / "items").iterdir())
    assert [path.name for path in shards] == [f"train-{i:05d}-of-00003.parquet" for i in range(3)]
    assert [n for path in shards for n in pq.read_table(path)["n"].to_pylist()] == list(range(1, 26))


def test_card_points_at_the_shards(run, tmp_path):
    """Every config's data files exist in the folder."""
    api.export(run, to="hub", path=tmp_path / "out")
    front = yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---\n")[1])
    (config,) = front["configs"]
    assert config["config_name"] == "items"
    assert list((tmp_path / "out").glob(config["data_files"][0]["path"]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows", [10, 1000])
def test_croissant_validates(run, tmp_path, rows):
    """The Croissant description has no errors for the validator of its authors, with one shard and with several."""
    mlcroissant = pytest.importorskip("mlcroissant")
    api.export(run, to="hub", path=tmp_path / "out", rows_per_file=rows)
    metadata = mlcroissant.Dataset(str(tmp_path / "out" / "croissant.json")).metadata
    assert not metadata.ctx.issues.errors
    assert [record.id for record in metadata.record_sets] == ["items"]


def test_again_leaves_no_stale_shards(run, tmp_path):
    """An export over an earlier one removes its shards."""
    api.export(run, to="hub", path=tmp_path / "out", rows_per_file=10)
    api.export(run, to="hub", path=tmp_path / "out")
    assert len(list((tmp_path / "out" / "data" / "items").iterdir())) == 1


def test_folder_of_something_else_is_refused(run, tmp_path):
    """Nothing that is not ours is mixed with."""
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(RunError, match="something else"):
        api.export(run, to="hub", path=tmp_path)
