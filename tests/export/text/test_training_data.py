"""Training-data formats: structure holds, offsets hold, splits do not leak, what does not fit is counted."""

from __future__ import annotations

import csv

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import RunError, UsageError
from lookalike.export.chat import messages
from lookalike.export.spans import tokens
from lookalike.export.training import UnfitError
from lookalike.generators.text.ner import tagged
from lookalike.registry import resolve


class Run:
    name = "r"

    def __init__(self, rows):
        self.rows = rows
        self.tables = ("t",)
        self.manifest = {}

    def batches(self, table, rows=65_536):
        yield from pa.Table.from_pylist(self.rows).to_batches(7)


def export(kind, rows, path, **fields):
    resolve("exporter", kind)(**fields).export(Run(rows), path)
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else path


TALK = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]


def test_chat_ends_with_the_assistant(tmp_path):
    """User turns after the assistant's last are left off; the column of turns is found by itself."""
    (line,) = export("chat", [{"n": 1, "talk": TALK}], tmp_path / "a.jsonl", system="Be kind.")
    assert line == {"messages": [{"role": "system", "content": "Be kind."}, *TALK[:2]]}


def test_sharegpt_alpaca_completion(tmp_path):
    """The same pair in three formats."""
    rows = [{"instruction": "Say hi.", "response": "Hi."}]
    assert export("sharegpt", rows, tmp_path / "a.jsonl") == [
        {"conversations": [{"from": "human", "value": "Say hi."}, {"from": "gpt", "value": "Hi."}]}
    ]
    assert export("alpaca", rows, tmp_path / "b.jsonl") == [{"instruction": "Say hi.", "input": "", "output": "Hi."}]
    assert export("completion", rows, tmp_path / "c.jsonl") == [{"prompt": "Say hi.", "completion": "Hi."}]


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ([{"role": "assistant", "content": "x"}], "alternate"),
        (
            [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}, {"role": "assistant", "content": "z"}],
            "alternate",
        ),
        ([{"role": "user", "content": " "}], "empty turn"),
        ([{"role": "judge", "content": "x"}], "no chat role"),
        ([{"role": "user", "content": "x"}, {"role": "tool", "content": "x"}], "without a call"),
        ([], "alternate"),
    ],
)
def test_chats_that_templates_refuse(turns, said):
    """Orders and roles that chat templates refuse are never written."""
    with pytest.raises(UnfitError, match=said):
        messages(turns, {})


def test_tool_calls_become_openai_calls():
    """A call and its result get one id."""
    turns = [
        {"role": "user", "content": "Where?"},
        {"role": "call", "content": "", "name": "track", "arguments": "{}"},
        {"role": "tool", "content": "Bonn"},
        {"role": "agent", "content": "In Bonn."},
    ]
    made = messages(turns, {"agent": "assistant"})
    assert made[1]["tool_calls"][0]["id"] == made[2]["tool_call_id"]
    assert [m["role"] for m in made] == ["user", "assistant", "tool", "assistant"]


def test_preference_and_kto(tmp_path):
    """Pairs of the same text are left out and counted; KTO gives two lines a pair."""
    rows = [
        {"prompt": "p", "pair": {"chosen": "a", "rejected": "b"}},
        {"prompt": "p", "pair": {"chosen": "a", "rejected": "a "}},
    ]
    assert export("preference", rows, tmp_path / "a.jsonl") == [{"prompt": "p", "chosen": "a", "rejected": "b"}]
    assert orjson.loads((tmp_path / "export.json").read_bytes())["left_out"] == {"chosen and rejected are the same text": 1}
    assert [line["label"] for line in export("kto", rows, tmp_path / "b.jsonl")] == [True, False]


def test_triples_have_one_line_a_negative(tmp_path):
    """Negatives that are the positive are dropped."""
    rows = [{"query": "q", "positive": "p", "negatives": ["n1", "p", "n2"]}]
    assert [line["negative"] for line in export("triples", rows, tmp_path / "a.jsonl")] == ["n1", "n2"]


def test_classification_in_csv_with_labels(tmp_path):
    """CSV quotes what it must; labels are listed once; labels without text are counted, not written."""
    rows = [{"text": 'say "hi",\nthen go', "label": "b"}, {"text": "x", "label": "a"}, {"text": None, "label": "a"}]
    resolve("exporter", "classification")(file="csv").export(Run(rows), tmp_path)
    with (tmp_path / "t.csv").open(newline="") as lines:
        assert list(csv.DictReader(lines)) == rows[:2]
    assert orjson.loads((tmp_path / "labels.json").read_bytes()) == ["a", "b"]
    assert orjson.loads((tmp_path / "export.json").read_bytes())["left_out"] == {"text is empty": 1}


@given(st.text("ab é\u0301-.\n", max_size=60), st.text("ab", min_size=1, max_size=2))
def test_conll_tags_cover_spans_exactly(text, piece):
    """Tokens tagged as an entity, put together, are the entities' characters; every entity begins with B."""
    spans = tagged(text, {"X": piece})
    pairs = tokens(text, spans)
    assert "".join(token for token, tag in pairs if tag != "O") == "".join(s["text"] for s in spans)
    assert sum(tag.startswith("B") for _, tag in pairs) == len(spans)


def test_spans_that_lie_are_left_out(tmp_path):
    """A span over other characters than it says, outside, or over another is counted, never written."""
    good = {"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "P", "text": "Ann"}]}
    bad = [
        {**good, "spans": [{"start": 1, "end": 4, "label": "P", "text": "Ann"}]},
        {**good, "spans": [{"start": 0, "end": 99, "label": "P", "text": None}]},
    ]
    rows = [{"tagged": row} for row in (good, *bad)]
    assert export("spans", rows, tmp_path / "a.jsonl") == [
        {"text": "Ann left", "entities": [{"start": 0, "end": 3, "label": "P"}]}
    ]
    resolve("exporter", "conll")().export(Run(rows[:1]), tmp_path / "a.conll")
    assert (tmp_path / "a.conll").read_text() == "Ann\tB-P\nleft\tO\n\n"


def test_squad_offsets_hold(tmp_path):
    """Each answer stands where its offset says; an answer that does not is left out; questions share their paragraph."""

    def qa(start, end, answer, answerable=True):
        return {"question": "q?", "answer": answer, "start": start, "end": end, "answerable": answerable}

    rows = [
        {"document": "Opened in 1932.", "qa": q} for q in (qa(10, 14, "1932"), qa(9, 13, "1932"), qa(None, None, None, False))
    ]
    resolve("exporter", "squad")().export(Run(rows), tmp_path / "s.json")
    data = orjson.loads((tmp_path / "s.json").read_bytes())["data"]
    (paragraph,) = data[0]["paragraphs"]
    assert [q["is_impossible"] for q in paragraph["qas"]] == [False, True]
    answer = paragraph["qas"][0]["answers"][0]
    assert paragraph["context"][answer["answer_start"] :].startswith(answer["text"])


def test_splits_never_share_a_document(tmp_path):
    """All rows of a document land in one split, for any order of rows; together the splits hold every row."""
    rows = [{"text": f"t{i}", "label": "a", "doc": i % 40} for i in range(400)]
    resolve("exporter", "classification")(split={"train": 0.7, "test": 0.3}, by="doc").export(Run(rows), tmp_path)
    parts = {
        name: [orjson.loads(line)["text"] for line in (tmp_path / f"{name}.jsonl").read_bytes().splitlines()]
        for name in ("train", "test")
    }
    documents = {name: {int(text[1:]) % 40 for text in texts} for name, texts in parts.items()}
    assert not documents["train"] & documents["test"]
    assert len(parts["train"]) + len(parts["test"]) == 400
    assert 4 <= len(documents["test"]) <= 22


def test_errors_name_what_to_do(tmp_path):
    """A wrong column, a wrong table, and a table in which nothing fits are errors with suggestions."""
    rows = [{"txt": "x", "label": "a"}]
    with pytest.raises(UsageError, match=r"no 'text'.*'txt'.*--set FIELD=COLUMN"):
        export("classification", rows, tmp_path / "a.jsonl")
    with pytest.raises(UsageError, match="no table"):
        export("classification", rows, tmp_path / "a.jsonl", table="x")
    with pytest.raises(RunError, match="no row of"):
        export("classification", [{"text": "", "label": "a"}], tmp_path / "a.jsonl")


CHATML = """{% for m in messages %}{% if m['role'] == 'system' and not loop.first %}{{ raise_exception('system comes first') }}{% endif %}\
<|im_start|>{{ m['role'] }}
{% generation %}{{ m['content'] }}{% endgeneration %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def tokenizer(folder, template=CHATML, marks=("<|im_start|>", "<|im_end|>")):
    """A word tokenizer with a chat template, saved as `save_pretrained` would."""
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizer checks need `tokenizers`")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(list(marks))
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_bytes(orjson.dumps({"chat_template": template, "eos_token": {"content": "</s>"}}))
    return str(folder)


def test_a_tokenizer_counts_what_is_learned(tmp_path):
    """All tokens, those of the assistant's turns with their end marks, and the longest chat stand in export.json."""
    rows = [{"talk": TALK[:2]}, {"talk": [{"role": "user", "content": "a b c"}, {"role": "assistant", "content": "d e f"}]}]
    export("chat", rows, tmp_path / "a.jsonl", tokenizer=tokenizer(tmp_path / "tok"))
    # <|im_start|> user Hi <|im_end|> <|im_start|> assistant Hello <|im_end|>: 8, of which 2 are learned
    assert orjson.loads((tmp_path / "export.json").read_bytes())["tokens"] == {"total": 8 + 12, "learned": 2 + 4, "longest": 12}


def test_chats_over_the_limit_are_left_out(tmp_path):
    """A chat that would be cut off in training is counted, not written."""
    rows = [{"talk": TALK[:2]}, {"talk": [TALK[0], {"role": "assistant", "content": "long " * 50}]}]
    lines = export("chat", rows, tmp_path / "a.jsonl", tokenizer=tokenizer(tmp_path / "tok"), max_tokens=20)
    assert len(lines) == 1
    assert orjson.loads((tmp_path / "export.json").read_bytes())["left_out"] == {"longer than 20 tokens": 1}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('no users here') }}", "refuses it: no users here"),
        ("{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}", "mask is empty"),
        ("{{ messages | length }} {% for m in messages %}{{ m['content'] }} {% endfor %}", "rewrites earlier turns"),
        ("{{ messages.__class__.__mro__ }}", "refuses it"),
    ],
)
def test_templates_that_spoil_training_are_found(tmp_path, template, said):
    """A template that refuses a chat, drops the assistant, rewrites its past or reaches out of its sandbox writes nothing."""
    with pytest.raises(RunError, match=said):
        export("chat", [{"talk": TALK[:2]}], tmp_path / "a.jsonl", tokenizer=tokenizer(tmp_path / "tok", template))


def test_tokenizers_that_are_none_are_named(tmp_path):
    """A folder without tokenizer or template, and a limit without tokenizer, are errors that say what to give."""
    pytest.importorskip("tokenizers", reason="tokenizer checks need `tokenizers`")
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        export("chat", [{"talk": TALK}], tmp_path / "a.jsonl", tokenizer=str(tmp_path))
    with pytest.raises(UsageError, match="no chat template"):
        export("chat", [{"talk": TALK}], tmp_path / "a.jsonl", tokenizer=tokenizer(tmp_path / "tok", ""))
    with pytest.raises(ValueError, match="max_tokens counts with"):
        resolve("exporter", "chat")(max_tokens=5)
