"""Numbers in texts are found in their form, read exactly and written back."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.schema.semantics.amounts import GENERAL, Form, find_form, parse_form

FOUND = {
    "$#,##0.00": ["$1,234.50", "$3.10", "$999.99"],
    "#.##0,00 €": ["12,50 €", "1.200,00 €"],
    "0,00 €": ["12,50 €", "7,25 €"],
    "0%": ["15%", "3%"],
    "0.0 %": ["1.5 %", "-2.0 %"],
    "+0.0%;-0.0%": ["+1.5%", "-2.0%"],
    "$0.00;($0.00)": ["($5.00)", "$6.00"],
    "$0.00;$-0.00": ["$-5.00", "$6.00"],
    "$0.00": ["-$5.00", "$6.00"],
    "0 kg": ["12 kg", "7 kg"],
    "0.##": ["1.5", "2", "3.25"],
    "#'##0.00 CHF": ["1'234.50 CHF", "2.00 CHF"],
    "# ##0,00": ["1 234,50", "9,00"],
    "Rs. #,##0": ["Rs. 1,200", "Rs. 40"],
    "0,000": ["0,125", "0,500"],
    "0": ["123456789012345678901", "5"],
}


@pytest.mark.parametrize("form", FOUND)
def test_the_form_is_found_and_written(form):
    """Each way of writing numbers is known, and gives the same texts again."""
    texts = FOUND[form]
    found = find_form(texts)
    assert found is not None
    assert found.text == form
    assert parse_form(form) == found
    assert found.write(found.read(pa.array(texts))).to_pylist() == texts


@pytest.mark.parametrize(
    "texts", [["007", "123"], ["C-001", "C-002"], ["#1", "#2"], ["5 kg", "3 lb"], ["1.2.3", "1.2.4"], ["12,50 €", "$3"]]
)
def test_codes_are_no_numbers(texts):
    """Codes, versions and texts of several units are no numbers of one form."""
    assert find_form(texts) is None


def test_numbers_with_exponents_stay_numbers():
    """Texts with exponents are numbers as programs write them."""
    assert find_form(["1e5", "2.5"]) == GENERAL
    assert GENERAL.read(pa.array(["1e5", "2.5", "x"])).whole.tolist()[:2] == [100000.0, 2.5]


FORMS = st.builds(
    Form,
    before=st.sampled_from(["", "$", "EUR ", "Rs. "]), after=st.sampled_from(["", " €", "%", " km/h"]),
    group=st.sampled_from(["", ",", "'", " "]), point=st.just("."), digits=st.integers(0, 4), padded=st.booleans(),
    negative=st.sampled_from(["-", "inside", "()", "+"]),
)  # fmt: skip


@given(FORMS, st.lists(st.integers(-(10**22), 10**22), min_size=1, max_size=6))
def test_every_form_reads_what_it_writes(form, wholes):
    """Numbers of any size are read as they were written, and forms as their texts say."""
    import numpy as np

    from lookalike.schema.semantics.numbers import Numbers

    texts = form.write(Numbers(np.array(wholes, object), np.zeros(len(wholes), bool)))
    read = form.read(texts)
    assert not read.missing.any()
    assert read.whole.tolist() == wholes
