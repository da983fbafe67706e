"""The generated encyclopaedia: its questions are answered again, from nothing but the text of the pages."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from functools import cache

import pytest

from reasoning.benchmarks import tasks
from reasoning.benchmarks.tasks.encyclopaedia import Encyclopaedia, encyclopaedia
from reasoning.benchmarks.tasks.encyclopaedia_questions import Question
from reasoning.benchmarks.tasks.encyclopaedia_world import LINKS, PAGES, words
from reasoning.errors import UnknownName
from reasoning.kinds import Choice, Text, YesNo
from reasoning.kinds.text import normalize_text
from reasoning.problem import AnyOf
from reasoning.retrieval import Corpus
from reasoning.retrieval.entity_pages import CorpusPages, Page

LEVELS = ["easy", "medium", "hard"]
SEEDS = [0, 7]


def pattern(template: str) -> re.Pattern[str]:
    text = re.escape(template).replace(r"\{s\}", ".+?").replace(r"\{v\}", "(.+?)")
    return re.compile(text, re.IGNORECASE)


@cache
def statements(kind: str) -> list[tuple[str, re.Pattern[str]]]:
    return [(name, pattern(one)) for name, templates in words()["sentences"][kind].items() for one in templates]


@cache
def open_page(corpus: Corpus, title: str) -> Page:
    page = asyncio.run(CorpusPages(corpus).page(title))
    assert isinstance(page, Page)
    return page


def look_up(corpus: Corpus, title: str, attribute: str) -> str:
    """Return the value of an attribute as the page of a title states it, in exactly one sentence."""
    page = open_page(corpus, title)
    assert page.title == title
    kinds = [kind for kind in LINKS if attribute in words()["sentences"][kind]]
    found = {
        match[1]
        for sentence in page.sentences
        for kind in kinds
        for name, form in statements(kind)
        if name == attribute and (match := form.fullmatch(sentence))
    }
    assert len(found) == 1, (title, attribute, page.text)
    return found.pop()


def title_of(corpus: Corpus, mention: str) -> str:
    """Return the title that a mention in a sentence means, such as "the composer Quill Falderaker"."""
    titles = {document.title for document in corpus.documents}
    for form, role in ((r"the town of (.+)", "town"), (r"river (.+)", "river"), (r"the (\w+) (.+)", "")):
        if (match := re.fullmatch(form, mention, re.IGNORECASE)) and (
            title := f"{match[match.re.groups]} ({role or match[1]})"
        ) in titles:
            return title
    return mention


def number(value: str) -> int:
    return int(value.replace(",", ""))


def check(corpus: Corpus, question: Question) -> None:
    """Answer a question from the pages, and compare."""
    values = [look_up(corpus, *fact) for fact in question.facts]
    attributes = [attribute for _, attribute in question.facts]
    # Each fact but the last of a chain names the page of the next.
    for (value, (title, _)), attribute in zip(
        zip(values, question.facts[1:], strict=False), attributes[1:], strict=True
    ):
        if attribute in ("length", "founded", "population", "born") or len(question.facts) == 2:
            assert title_of(corpus, value) == title
    if attributes[-1] in ("length", "founded", "population", "born"):
        first, second = number(values[1]), number(values[3])
        assert first != second
        asked = question.text.partition(",")[0]
        is_larger = bool(re.search(r"\b(?:longer|later|younger|more)\b", asked))
        if isinstance(question.kind, YesNo):
            assert question.answers == ("yes" if first > second else "no",)
        else:
            right = values[0] if (first > second) == is_larger else values[2]
            assert title_of(corpus, right) in question.answers
    elif len(question.facts) == 8:
        assert isinstance(question.kind, Choice)
        leads_to = dict(zip((title for title, _ in question.facts[::2]), values[1::2], strict=True))
        assert [*leads_to] == list(question.kind.options)
        [common] = [value for value, count in Counter(leads_to.values()).items() if count == 3]
        [odd] = [title for title, value in leads_to.items() if value != common]
        assert common in question.text
        assert question.answers == (odd,)
    elif isinstance(question.kind, YesNo):
        assert question.answers == ("yes" if values[-1] in question.text else "no",)
    else:
        assert title_of(corpus, values[-1]) in question.answers
        if isinstance(question.kind, Choice):
            assert len(set(question.kind.options)) == 4
            assert sum(option in question.answers for option in question.kind.options) == 1


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_answer_is_found_in_the_pages(level: str, seed: int) -> None:
    corpus, questions = encyclopaedia(level, seed)
    for question in questions:
        assert 1 <= len(question.facts) <= 8
        check(corpus, question)


@pytest.mark.parametrize("level", LEVELS)
def test_the_pages_differ_in_their_titles(level: str) -> None:
    corpus, _ = encyclopaedia(level, 0)
    titles = [document.title for document in corpus.documents]
    assert len(titles) == len(set(titles)) == PAGES[level]
    assert titles == sorted(titles)
    resembling = re.compile("not to be confused|resembles|mistaken|not related")
    assert sum(bool(resembling.search(one.text)) for one in corpus.documents) > PAGES[level] / 8
    assert not [one.text for one in corpus.documents if re.search(r"\ba [aeiou]\w+|\ban [^aeiouh\W]|[{}]|  ", one.text)]


@pytest.mark.parametrize("level", LEVELS)
def test_no_question_gives_its_answer_away(level: str) -> None:
    examples = tasks.get("encyclopaedia", split=level).load(120, 5)
    questions = [example.problem.question for example in examples]
    assert len({(example.problem.corpus, example.problem.question) for example in examples}) == 120
    for example in examples:
        accepted = example.target.answers if isinstance(example.target, AnyOf) else [example.target]
        if isinstance(example.problem.kind, Text):
            assert not any(normalize_text(answer) in normalize_text(example.problem.question) for answer in accepted)
        assert example.score(example.problem.kind.target(accepted[0]))
    # The most frequent text is no good guess, and neither are yes or one letter.
    texts = Counter(str(one.target) for one in examples if isinstance(one.problem.kind, Text))
    assert texts.most_common(1)[0][1] <= texts.total() / 6
    answers = Counter(str(one.target) for one in examples if isinstance(one.problem.kind, YesNo))
    assert set(answers) == {"yes", "no"}
    assert min(answers.values()) > answers.total() / 5
    places = Counter(
        list(one.problem.kind.options).index(one.target) for one in examples if isinstance(one.problem.kind, Choice)
    )
    assert len(places) == 4
    assert max(places.values()) < places.total() / 2
    assert all(question.endswith("?") for question in questions)


def test_ambiguous_names_are_told_apart() -> None:
    corpus, questions = encyclopaedia("hard", 0)
    names = [document.title for document in corpus.documents if "may refer to" in document.text]
    assert len(names) == 12
    for question in questions:
        for name in names:
            for match in re.finditer(re.escape(name), question.text):
                before = question.text[: match.start()].split()[-2:]
                assert before[-1:] in (["river"], ["of"]) or before[-2:-1] == ["the"], (question.text, name)
    ambiguous = asyncio.run(CorpusPages(corpus).page(names[0]))
    assert not isinstance(ambiguous, Page)
    assert ambiguous.is_ambiguous
    assert len(ambiguous.similar) == 2


def test_a_seed_makes_others_and_a_limit_the_same() -> None:
    task = Encyclopaedia("easy")
    assert task.load(70, 1)[:4] == task.load(4, 1)
    assert task.load(4, 1) != task.load(4, 2)
    first, other = task.load(61, 1)[0], task.load(61, 1)[60]
    assert first.problem.corpus != other.problem.corpus
    assert task.load(2, 1)[0].problem.corpus is task.load(2, 1)[1].problem.corpus
    encyclopaedia.cache_clear()
    assert task.load(4, 1) == task.load(70, 1)[:4]


@pytest.mark.parametrize("seed", [8, 11])
def test_too_few_values_for_four_options_are_no_choice(seed: int) -> None:
    corpus, questions = encyclopaedia("easy", seed, 2)
    sources = {look_up(corpus, one.title, "source") for one in corpus.documents if "is a river" in one.text}
    assert len(sources) == 3
    assert len(questions) == 60
    for question in questions:
        check(corpus, question)


def test_levels_are_splits() -> None:
    assert tasks.get("encyclopaedia").split == "medium"
    assert tasks.get("encyclopaedia", split="hard") == Encyclopaedia("hard")
    with pytest.raises(UnknownName, match="unknown split 'harder' of encyclopaedia; did you mean 'hard'"):
        tasks.get("encyclopaedia", split="harder")
    assert "two hops over 200 invented pages" in tasks.get("encyclopaedia").source
