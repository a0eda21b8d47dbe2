import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import LookalikeError
from lookalike.generators.expression import Expression
from lookalike.generators.function import Function
from lookalike.generators.template import TemplateColumn
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.testing.generators import MemoryTables, example_batch


def context(*, allow_code=False):
    return Context(1, "t", "c", MemoryTables(), allow_code=allow_code)


ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ s.__init__.__globals__ }}",
    "{{ ().__class__.__base__ }}",
    "{% for x in [].__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ s.format.__self__.__class__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
]


@pytest.mark.parametrize("template", [*ESCAPES, "{{ s['__class__'] }}", "{{ s | attr('__class__') }}"])
def test_an_unsafe_template_is_refused_before_any_row(template):
    """It is a problem of the recipe, with its place, and not a thousand failed rows; blanks for underscores are none."""
    with pytest.raises(LookalikeError, match="leave its sandbox"):
        TemplateColumn(template=template)
    assert TemplateColumn(template="{{ s | replace('__', ' ') }}").needs() == {"s"}


@pytest.mark.parametrize("template", ESCAPES)
def test_a_template_cannot_leave_its_sandbox(template):
    """Python's insides are out of reach of a template: one clear error, nothing runs."""
    with pytest.raises(LookalikeError) as caught:
        TemplateColumn(template=template).generate(example_batch(2), context())
    assert "<class" not in str(caught.value)


def test_a_cell_that_looks_like_a_template_is_text():
    """What a cell holds is never rendered."""
    batch = Batch("t", np.arange(1), {"note": pa.array(["{{ 7 * 7 }}"])})
    assert TemplateColumn(template="{{ note }}").generate(batch, context()).to_pylist() == ["{{ 7 * 7 }}"]


@pytest.mark.parametrize(
    "sql",
    ["sum(n)", "row_number() over ()", "(select 1)", "random()", "now()", "n; drop table x", "count(*)"],
)
def test_an_expression_sees_one_row_and_no_clock(sql):
    """Aggregates, windows, queries, chance and clocks would make a value depend on more than its row."""
    with pytest.raises(LookalikeError):
        Expression(sql=sql).generate(example_batch(3), context())


@pytest.mark.parametrize("sql", ["read_text('/etc/passwd')", "read_csv('/etc/passwd')", "getenv('HOME')"])
def test_an_expression_reaches_no_file(sql, tmp_path):
    """Files and the environment are out of reach of SQL."""
    with pytest.raises(LookalikeError) as caught:
        Expression(sql=sql).generate(example_batch(2), context())
    assert "root:" not in str(caught.value)


def test_a_function_runs_only_when_code_is_allowed():
    """Code that a recipe names runs only with --allow-code."""
    spec = Function(path="lookalike.testing.generators:example_batch")
    with pytest.raises(LookalikeError, match="allow-code"):
        spec.generate(example_batch(2), context())
