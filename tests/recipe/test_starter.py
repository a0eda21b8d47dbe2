"""A starter recipe is YAML that tells what was found."""

import yaml

from lookalike.recipe.starter import starter
from lookalike.schema.infer import infer
from lookalike.testing.synthesizers import example


def test_a_starter_recipe_is_yaml_with_reasons():
    """It names the source and the rows, and every column with its reason as a comment."""
    text = starter(infer(example()), "data/my shop.csv", "shop", rows=50)
    body = yaml.safe_load(text)
    assert body["sources"] == {"my_shop": {"kind": "file", "path": "data/my shop.csv"}}
    assert body["tables"]["shop"]["rows"] == {"like": "my_shop", "n": 50}
    assert "#   size: category. 3 values on a scale" in text
    assert "#   email: email." in text
    assert "never learned" in text
