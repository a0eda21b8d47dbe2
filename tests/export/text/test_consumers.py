"""What the programs that read training data expect of it, format by format."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from lookalike import api
from lookalike.errors import RunError
from lookalike.registry import resolve

CALLS = [
    {"role": "user", "content": "Where is it?", "name": None, "arguments": None},
    {"role": "call", "content": "", "name": "track", "arguments": '{"order": 7}'},
    {"role": "tool", "content": "Bonn", "name": None, "arguments": None},
    {"role": "assistant", "content": "In Bonn.", "name": None, "arguments": None},
]
PAIR = {"prompt": "Say hi.", "pair": {"chosen": "Hi!", "rejected": "No."}}
TAGGED = {
    "text": "Ann Lee saw Bonn.",
    "spans": [{"start": 0, "end": 7, "label": "PER"}, {"start": 12, "end": 16, "label": "LOC"}],
}
TOOLS = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object", "properties": {}}}}]


class Run:
    name, tables, manifest = "r", ("t",), {}

    def __init__(self, rows):
        self.rows = rows

    def batches(self, table, rows=65_536):
        yield from pa.Table.from_pylist(self.rows).to_batches(7)


def export(kind, rows, path, **fields):
    resolve("exporter", kind)(**fields).export(Run(rows), path)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_trl_reads_conversational_preferences(tmp_path):
    """DPO: prompt, chosen and rejected are chats, the prompt ends with the user, the others are the assistant's turn alone."""
    (line,) = export("preference", [PAIR], tmp_path / "a.jsonl", form="messages")
    assert line == {
        "prompt": [{"role": "user", "content": "Say hi."}],
        "chosen": [{"role": "assistant", "content": "Hi!"}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }


@pytest.mark.parametrize("form", ["text", "messages"])
def test_trl_reads_kto(form, tmp_path):
    """KTO: one completion a line, a truth value for a label, chats when chats are asked for."""
    lines = export("kto", [PAIR], tmp_path / "a.jsonl", form=form)
    assert [line["label"] for line in lines] == [True, False]
    assert all(list(line) == ["prompt", "completion", "label"] for line in lines)
    text = lines[0]["completion"] if form == "text" else lines[0]["completion"][0]["content"]
    assert text == "Hi!"
    assert form == "text" or [m["role"] for line in lines for key in ("prompt", "completion") for m in line[key]] == [
        "user", "assistant"
    ] * 2  # fmt: skip


def test_trl_reads_prompts_and_completions(tmp_path):
    """The conversational form splits the chat before the assistant's turn."""
    (line,) = export("completion", [{"instruction": "Say hi.", "response": "Hi!"}], tmp_path / "a.jsonl", form="messages")
    assert [m["role"] for m in line["prompt"]] == ["user"]
    assert [m["role"] for m in line["completion"]] == ["assistant"]


def test_openai_reads_tool_calls(tmp_path):
    """Arguments are JSON text, each result names its call, the tools stand in every line."""
    (line,) = export("chat", [{"talk": CALLS}], tmp_path / "a.jsonl", tools=TOOLS)
    asked, answered = line["messages"][1], line["messages"][2]
    assert json.loads(asked["tool_calls"][0]["function"]["arguments"]) == {"order": 7}
    assert answered == {"role": "tool", "content": "Bonn", "tool_call_id": asked["tool_calls"][0]["id"]}
    assert line["tools"] == TOOLS


def test_chat_templates_read_tool_calls(tmp_path):
    """Templates of open models write arguments with `tojson`, so they are an object; broken ones are left out and counted."""
    broken = [CALLS[0], {**CALLS[1], "arguments": "{order"}, *CALLS[2:]]
    (line,) = export("chat", [{"talk": CALLS}, {"talk": broken}], tmp_path / "a.jsonl", arguments="object")
    assert line["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"order": 7}
    assert json.loads((tmp_path / "export.json").read_text())["left_out"] == {"a tool call whose arguments are no JSON": 1}


def test_sharegpt_alternates_from_human(tmp_path):
    """Only `from` and `value`; system first, then human and gpt by turns, gpt last; talks with tools are left out."""
    turns = [{"role": "customer", "content": "a"}, {"role": "agent", "content": "b"}] * 2
    rows = [{"talk": turns}, {"talk": [{**turn, "name": None, "arguments": None} for turn in turns]}]
    for line in export("sharegpt", rows, tmp_path / "a.jsonl", system="s"):
        assert [turn["from"] for turn in line["conversations"]] == ["system", "human", "gpt", "human", "gpt"]
        assert all(set(turn) == {"from", "value"} for turn in line["conversations"])


def test_alpaca_has_three_texts(tmp_path):
    """Instruction, input and output are there in every line, and an input that is missing is an empty text."""
    rows = [{"instruction": "Add.", "input": "1 2", "response": "3"}, {"instruction": "Add.", "input": None, "response": "?"}]
    lines = export("alpaca", rows, tmp_path / "a.jsonl", input="input")
    assert [list(line) for line in lines] == [["instruction", "input", "output"]] * 2
    assert [line["input"] for line in lines] == ["1 2", ""]


def test_conll_2003_has_four_columns(tmp_path):
    """Token, part of speech, chunk and tag, one blank between them, a document mark before and an empty line after each text."""
    resolve("exporter", "conll")(layout="conll2003").export(Run([{"tagged": TAGGED}] * 2), tmp_path / "a.conll")
    text = (tmp_path / "a.conll").read_text()
    assert (
        text
        == "-DOCSTART- -X- -X- O\n\nAnn -X- -X- B-PER\nLee -X- -X- I-PER\nsaw -X- -X- O\nBonn -X- -X- B-LOC\n. -X- -X- O\n\n"
        * 2
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["two", "conll2003"])
def test_spacy_reads_conll(layout, tmp_path):
    """spaCy's own converter finds the same entities."""
    converters = pytest.importorskip("spacy.training.converters", reason="needs spaCy")
    resolve("exporter", "conll")(layout=layout).export(Run([{"tagged": TAGGED}]), tmp_path / "a.conll")
    docs = list(converters.conll_ner_to_docs((tmp_path / "a.conll").read_text(), n_sents=1, no_print=True))
    assert [(e.text, e.label_) for doc in docs for e in doc.ents] == [("Ann Lee", "PER"), ("Bonn", "LOC")]


def score(data, predictions):
    """Exact match as SQuAD 2.0's script counts it: answers by id, the empty text where there is none."""
    truth = {qa["id"]: [a["text"] for a in qa["answers"]] or [""] for d in data for p in d["paragraphs"] for qa in p["qas"]}
    assert set(truth) == set(predictions)
    return np.mean([predictions[name] in answers for name, answers in truth.items()])


def test_squad_2_is_scored_by_id(tmp_path):
    """Every question has an id of its own, even one that is asked twice; unanswerable ones have no answers; offsets hold."""
    qa = {"question": "When?", "answer": "1932", "start": 10, "end": 14, "answerable": True}
    none = {"question": "Who?", "answer": None, "start": None, "end": None, "answerable": False}
    rows = [{"document": d, "qa": q} for d in ("Opened in 1932.", "Closed in 1932.") for q in (qa, none, qa)]
    resolve("exporter", "squad")().export(Run(rows), tmp_path / "s.json")
    whole = json.loads((tmp_path / "s.json").read_text())
    asked = [qa for d in whole["data"] for p in d["paragraphs"] for qa in p["qas"]]
    assert whole["version"] == "v2.0"
    assert len({qa["id"] for qa in asked}) == len(asked) == 6
    assert all((qa["answers"] == []) == qa["is_impossible"] for qa in asked)
    assert score(whole["data"], {qa["id"]: qa["answers"][0]["text"] if qa["answers"] else "" for qa in asked}) == 1
    for paragraph in (p for d in whole["data"] for p in d["paragraphs"]):
        for answer in (a for qa in paragraph["qas"] for a in qa["answers"]):
            assert paragraph["context"][answer["answer_start"] :].startswith(answer["text"])


@pytest.mark.parametrize(
    ("labels", "listed"),
    [([True, False, None], [False, True]), ([10, 9, None], [9, 10]), ([0.5, float("nan"), None], [0.5]), ([None] * 3, None)],
)
def test_labels_of_any_type_are_classes(labels, listed, tmp_path):
    """Truth values and numbers keep their type and order; null and NaN are no class; a table without labels is an error."""
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate(labels)]
    if listed is None:
        with pytest.raises(RunError, match="label is empty"):
            export("classification", rows, tmp_path / "a.jsonl")
        return
    lines = export("classification", rows, tmp_path / "a.jsonl")
    assert sorted(line["label"] for line in lines) == listed == json.loads((tmp_path / "labels.json").read_text())
    assert json.loads((tmp_path / "export.json").read_text())["labels"] == {str(label): 1 for label in listed}


def test_csv_of_a_classification_reads_in_arrow(tmp_path):
    """Quotes, commas, line ends and scripts come back as they were."""
    rows = [{"text": text, "label": "a"} for text in ('say "hi",\nthen', "שלום, עולם", "e\u0301\r\nx", "  padded ")]
    resolve("exporter", "classification")(file="csv").export(Run(rows), tmp_path)
    options = pa.csv.ParseOptions(newlines_in_values=True)
    assert pa.csv.read_csv(tmp_path / "t.csv", parse_options=options)["text"].to_pylist() == [row["text"] for row in rows]
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as lines:
        assert [row["text"] for row in csv.DictReader(lines)] == [row["text"] for row in rows]


def test_children_of_a_document_never_part(tmp_path):
    """All rows made of one source row are in one split, without being asked for; and both splits have some."""
    rows = "\n".join(f"text number {n}" for n in range(60))
    (tmp_path / "s.csv").write_text(f"text\n{rows}\n")
    recipe = {
        "lookalike": 1, "name": "r", "sources": {"s": {"kind": "file", "path": str(tmp_path / "s.csv")}},
        "tables": {
            "originals": {"rows": {"from": "s"}},
            "variants": {
                "rows": {"per": "originals", "count": 4},
                "columns": {
                    "text": {"kind": "augment", "text": "originals.text", "operators": [{"kind": "keyboard", "rate": 0.5}]},
                    "label": {"kind": "expression", "sql": "originals.text"},
                },
            },
        },
    }  # fmt: skip
    run = api.run(recipe, to=tmp_path / "run")
    api.export(run, to="classification", path=tmp_path / "out", split={"train": 0.5, "test": 0.5})
    parts = [
        {json.loads(line)["label"] for line in (tmp_path / "out" / f"{name}.jsonl").read_text().splitlines()}
        for name in ("train", "test")
    ]
    assert not parts[0] & parts[1]
    assert min(map(len, parts)) > 10
