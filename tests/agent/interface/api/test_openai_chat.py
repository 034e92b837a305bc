"""OpenAI's own client against a real server: streaming and not, conversations, Open WebUI's requests, faults."""

from __future__ import annotations

import json
from collections.abc import Callable

import openai
import pytest

from agent.interface.openai_chat import history_digest
from agent.interface.openai_tasks import answer_task
from tests.agent.interface.api.serving import Home, Serving
from tests.agent.openai_protocol import Reply, Scripted

WEIGH = Reply("", calls=(("weigh", {"molecules": ["CCO"]}),))
WEIGHED = Reply("Ethanol (M1) weighs 46.07 g/mol.")


@pytest.fixture
def serving(chatting: Home, serve: Callable[[Home], Serving]) -> Serving:
    return serve(chatting)


@pytest.fixture
def client(serving: Serving) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0, timeout=120)


def say(client: openai.OpenAI, *said: str) -> str:
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(said)]
    answer = client.chat.completions.create(model="organon", messages=messages)  # type: ignore[call-overload]
    return str(answer.choices[0].message.content)


def test_the_model_is_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["organon"]
    assert client.models.retrieve("organon").owned_by == "organon"
    with pytest.raises(openai.NotFoundError, match="there is no model 'gpt-4'"):
        client.models.retrieve("gpt-4")


def test_an_answer_that_used_a_tool(client: openai.OpenAI, language_model: Scripted) -> None:
    language_model.scripts["ethanol"] = [WEIGH, WEIGHED]
    answer = client.chat.completions.create(model="organon", messages=[{"role": "user", "content": "Weigh ethanol"}])
    assert answer.choices[0].message.content == "Ethanol (M1) weighs 46.07 g/mol."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is None


def test_a_streamed_answer_is_the_same_and_shows_its_steps(client: openai.OpenAI, language_model: Scripted) -> None:
    language_model.scripts["ethanol"] = [WEIGH, WEIGHED]
    asked = [{"role": "user", "content": "Weigh ethanol"}]
    chunks = list(client.chat.completions.create(model="organon", messages=asked, stream=True))  # type: ignore[call-overload]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    steps = "".join(getattr(chunk.choices[0].delta, "reasoning_content", None) or "" for chunk in chunks)
    assert text == "Ethanol (M1) weighs 46.07 g/mol."
    assert "weigh" in steps
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_history_goes_on_in_its_conversation(
    client: openai.OpenAI, serving: Serving, language_model: Scripted
) -> None:
    language_model.scripts["ethanol"] = [WEIGH, WEIGHED, Reply("Still M1.")]
    first = say(client, "Weigh ethanol")
    again = say(client, "Weigh  ethanol\n", first, "And which molecule was that?")
    assert again == "Still M1."
    ledger = serving.home.session.ledger
    threads = ledger.list_threads()
    assert [len(thread.runs) for thread in threads] == [2]
    assert any("46.07" in str(message["content"]) for message in language_model.asked[-1]["messages"])
    say(client, "Weigh ethanol", "something I never said", "And now?")
    assert sorted(len(thread.runs) for thread in ledger.list_threads()) == [1, 2]


def test_the_same_words_of_two_people_are_two_conversations(client: openai.OpenAI, serving: Serving) -> None:
    say(client, "hello there")
    say(client, "hello there")
    assert len(serving.home.session.ledger.list_threads()) == 2


@pytest.mark.parametrize(("word", "outcome"), [("Yes.", "started"), ("no", "refused")])
def test_a_question_for_approval_is_answered_by_yes_or_no(
    word: str, outcome: str, client: openai.OpenAI, language_model: Scripted
) -> None:
    language_model.scripts["screen"] = [
        Reply("", calls=(("start_screen", {"hours": 5}),)),
        Reply("The screen has been dealt with."),
    ]
    asked = say(client, "start a long screen")
    assert "Answer yes or no" in asked
    assert "start_screen" in asked
    answered = say(client, "start a long screen", asked, word)
    assert "dealt with" in answered
    told = language_model.tool_messages()[-1]
    assert ("refused" in told) == (outcome == "refused"), told


def test_parts_of_text_are_read_and_system_messages_are_not(client: openai.OpenAI, language_model: Scripted) -> None:
    language_model.scripts["aspirin"] = [Reply("Read.")]
    messages = [
        {"role": "system", "content": "Speak like a pirate"},
        {"role": "user", "content": [{"type": "text", "text": "What of"}, {"type": "text", "text": "aspirin?"}]},
    ]
    answer = client.chat.completions.create(model="organon", messages=messages)  # type: ignore[call-overload]
    assert answer.choices[0].message.content == "Read."
    assert "pirate" not in json.dumps(language_model.asked[-1])


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "assistant", "content": "hi"}], "user's"),
        ([{"role": "user", "content": "   "}], "no text"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}], "pictures"),
    ],
)
def test_what_cannot_be_answered_is_a_bad_request(client: openai.OpenAI, messages: object, words: str) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match=words) as refused:
        client.chat.completions.create(model="organon", messages=messages)  # type: ignore[call-overload]
    assert refused.value.type == "invalid_request_error"


def test_a_failed_turn_says_so(client: openai.OpenAI, language_model: Scripted) -> None:
    language_model.scripts["broken"] = [Reply("no such deployment", status=400)]
    assert "The run failed" in say(client, "broken today?")


def test_without_the_token_there_is_an_authentication_error(
    make_home: Callable[..., Home], serve: Callable[[Home], Serving]
) -> None:
    serving = serve(make_home(token="secret-1234"))
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{serving.url}/v1", api_key="wrong", max_retries=0).models.list()
    assert openai.OpenAI(base_url=f"{serving.url}/v1", api_key="secret-1234").models.list().data


TITLE_REQUEST = """### Task:
Generate a concise, 3-5 word title with an emoji summarizing the chat history.
### Output:
JSON format: { "title": "your concise title here" }
### Chat History:
<chat_history>
USER: Which kinase inhibitors bind ABL1 with the T315I mutation?
ASSISTANT: Ponatinib does.
</chat_history>"""


def test_open_webui_asks_for_a_title_without_a_run(client: openai.OpenAI, serving: Serving) -> None:
    assert json.loads(say(client, TITLE_REQUEST)) == {"title": "Which kinase inhibitors bind ABL1 with…"}
    for key, empty in (("tags", []), ("follow_ups", []), ("queries", [])):
        task = f'### Task:\nSuggest.\n### Output:\nJSON format: {{ "{key}": ["..."] }}'
        assert json.loads(answer_task(task) or "") == {key: empty}
    assert serving.home.session.ledger.summarise_runs() == []
    assert answer_task("What is the task of a kinase?") is None


def test_white_space_does_not_change_a_history() -> None:
    assert history_digest([("user", "a b"), ("assistant", "c")]) == history_digest(
        [("user", " a\n b "), ("assistant", "c")]
    )
    assert history_digest([("user", "a")]) != history_digest([("assistant", "a")])
