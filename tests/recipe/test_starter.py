"""A starter recipe is YAML that tells what was found, and runs as it was written."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest
import yaml

import lookalike as la
from lookalike.packaged import cached
from lookalike.recipe.starter import starter
from lookalike.schema.infer import infer
from lookalike.sources.open import read
from lookalike.testing.synthesizers import example

TABLES = {  # what a person would see in each real table, and so must the recipe
    "adult": ["education: category. 16 values on a scale from preschool to doctorate", "each education has one education_num"],
    "credit": ["Records: boolean. Only no and yes", "a heavy tail", '"\\"Amount\\" <= \\"Price\\""'],
    "diamonds": [
        "cut: category. 5 values on a scale from fair to ideal",
        "clarity: category. 8 values on a scale from i1 to if",
    ],
    "fatty_liver": ["The key is id", "male: boolean", "Replaced by new values, never learned"],
    "penguins": ["bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g are missing together"],
    "wages": ["each occ10 has one occrecode", "educcat: category (can be missing). 5 values on a scale"],
}


def test_a_starter_recipe_is_yaml_with_reasons():
    """It names the source and the rows, and every column with its reason as a comment."""
    text = starter(infer(example()), "data/my shop.csv", "shop", rows=50)
    body = yaml.safe_load(text)
    assert body["sources"] == {"my_shop": {"kind": "file", "path": "data/my shop.csv"}}
    assert body["tables"]["shop"]["rows"] == {"like": "my_shop", "n": 50}
    assert "#   size: category. 3 values on a scale" in text
    assert "#   email: email." in text
    assert "never learned" in text


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("sqlite:///clinic.sqlite#visits", {"kind": "sql", "url": "sqlite:///clinic.sqlite", "table": "visits"}),
        ("package:adult", {"kind": "package", "name": "adult"}),
    ],
)
def test_a_starter_names_the_source_that_was_read(path, made):
    """Data from a database or a package is read from there again."""
    assert list(yaml.safe_load(starter(infer(example(60)), path, "x"))["sources"].values()) == [made]


def test_the_proposed_constraint_is_one():
    """The line under `synthesizer` can be put into the recipe as it stands."""
    city = [f"c{i % 30}" for i in range(300)]
    real = pa.table({"city": city, "country": [f"k{int(c[1:]) // 10}" for c in city], "n": list(range(300))})
    text = starter(infer(real), "x.csv", "x", real=real)
    line = next(line for line in text.splitlines() if "synthesizer:" in line)
    proposed = yaml.safe_load(line.lstrip("# "))["synthesizer"]
    model = la.fit(real, synthesizer=la.Synthesizer.parse(proposed))
    pairs = set(zip(city, real["country"].to_pylist(), strict=True))
    assert {(r["city"], r["country"]) for r in model.sample(200).to_pylist()} <= pairs


def test_a_file_as_people_keep_them_becomes_a_recipe_that_runs(tmp_path, monkeypatch):
    """Semicolons, decimal commas, thousands points, zoned moments, JSON, grades, durations, places, national ids: each is told."""
    monkeypatch.chdir(tmp_path)
    lines = ["dni;umsatz;wann;angaben;size;overtime;lat;lon;mobile"]
    for i in range(300):
        letter = "TRWAGMYFPDXBNJZSQVHLCKE"[i * 7919 % 23]
        lines.append(
            f"{i * 7919:08d}{letter};{i % 9 + 1}.{i:03d},50;2021-03-{i % 28 + 1:02d}T10:00:{i % 60:02d}+02:00;"
            f'{{"a": {i % 7}}};{["small", "medium", "large"][i % 3]};{i % 40}:{i % 60:02d}:00;{i / 7:.4f};{i / 3:.4f};+44 20 7946 {i:04d}'
        )
    (tmp_path / "kunden.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = la.new("kunden", data="kunden.csv")
    text = path.read_text("utf-8")
    body = yaml.safe_load(
        "\n".join(line[8:] for line in text.splitlines() if line.startswith("    #   ") and "synthesizer" not in line)
    )
    told = {name: said.split(" ")[0].rstrip(".") for name, said in body.items()}
    assert told == {
        "dni": "national_id", "umsatz": "decimal", "wann": "datetime", "angaben": "json", "size": "category",
        "overtime": "duration", "lat": "latitude", "lon": "longitude", "mobile": "phone",
    }  # fmt: skip
    assert "a scale from small to large" in text
    assert la.run(path, rows=100).dataset("kunden").to_table().num_rows == 100


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_real_tables_become_recipes_that_run(name, tmp_path, monkeypatch):
    """`lookalike new --from` of a real table says what is in it; the recipe runs as written and makes rows of its schema."""
    if cached(f"{name}.raw") is None:
        pytest.skip(f"package:{name} is not fetched")
    monkeypatch.chdir(tmp_path)
    path = la.new(name, data=f"package:{name}")
    text = path.read_text()
    for said in TABLES[name]:
        assert said in text
    real = read(f"package:{name}")
    assert all(f"#   {column}: " in text for column in real.column_names)
    made = la.run(path, rows=300).dataset(name).to_table()
    assert made.num_rows == 300
    assert made.schema.names == real.schema.names


@pytest.mark.parametrize("base", ["forest", "copula"])
def test_a_proposed_sum_holds_for_any_method(base):
    """A total that adds up is said in the recipe; the proposed line makes every method keep it."""
    g = np.random.default_rng(0)
    net, shipping = np.round(g.gamma(2, 50, 400), 2), g.choice([0, 4.9, 9.9], 400)
    real = pa.table(
        {"net": net, "shipping": shipping, "total": np.round(net + shipping, 2), "city": g.choice(list("abc"), 400)}
    )
    text = starter(infer(real), "bill.csv", "bill", real=real)
    assert "# total = net + shipping: kept by all 400 rows." in text
    line = next(line for line in text.splitlines() if "synthesizer:" in line)
    proposed = yaml.safe_load(line.lstrip("# "))["synthesizer"] | {"base": {"kind": base}}
    rows = la.fit(real, synthesizer=la.Synthesizer.parse(proposed)).sample(200)
    assert np.abs(rows["net"].to_numpy() + rows["shipping"].to_numpy() - rows["total"].to_numpy()).max() < 1e-9


def test_names_with_quotes_and_line_breaks_stay_one_recipe(tmp_path):
    """As headers of spreadsheets have them: comments end where their line ends, and the rules name the columns."""
    rng = np.random.default_rng(0)
    net, tax = rng.integers(1, 1000, (2, 300))
    names = {'net "x"': net, "tax": tax, 'to "pay"': net + tax}
    labels = {"k\nl": [f"v{i % 5}" for i in range(300)], "m\nn": [f"w{i % 5}" for i in range(300)]}
    ids = {"per\nson id": [f"P-{i:05d}" for i in range(300)]}
    table = pa.table({**ids, **names, **labels})
    csv.write_csv(table, tmp_path / "d.csv")
    schema = infer(table)
    text = starter(schema, str(tmp_path / "d.csv"), "n", real=table)
    loaded = la.load(text)
    assert '"net ""x""" <= "to ""pay"""' in loaded.tables["n"].keep
    [proposed] = [line for line in text.splitlines() if "constraints: [" in line]
    constraints = yaml.safe_load(proposed.strip("# "))["synthesizer"]["constraints"]
    assert [c["sql"] for c in constraints if c["kind"] == "formula"] == ['"net ""x""" + "tax"']
    la.plan(loaded)
