"""What reaches a switch: names, sounds, templates and contacts that it cannot take for anything else."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from queues.models import Agent, Queue, QueueServer
from queues.validators import validate_contact, validate_record_template, validate_sound, validate_switch_name
from switch.callcenter import set_agent_contact
from tests import factories as make

HOSTILE = [
    "$${default_password}",
    "a$${x}",
    "X-PRE-PROCESS",
    "<?xml",
    "<include>",
    "a\nb",
    "a\0",
    "${system(id)}",
    "a%41'",
]


@pytest.mark.parametrize("name", ["3000@default", "support_1.x-y+z@a.example"])
def test_names(name: str) -> None:
    validate_switch_name(name)


@pytest.mark.parametrize("name", [*HOSTILE, "", "a b", "q%41", "a" * 129, "이름"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        validate_switch_name(name)


@pytest.mark.parametrize(
    "sound",
    [
        "local_stream://moh",
        "/usr/share/sounds/a b.wav",
        "tone_stream://%(2000,4000,440,480);loops=-1",
        "ivr/ivr-hold.wav",
    ],
)
def test_sounds(sound: str) -> None:
    validate_sound(sound)


@pytest.mark.parametrize(
    "sound", [*HOSTILE, "shell_stream:///bin/id", "http://127.0.0.1/x", "../../etc/x", "say:x", "vlc://x"]
)
def test_sounds_that_are_refused(sound: str) -> None:
    with pytest.raises(ValidationError):
        validate_sound(sound)


@pytest.mark.parametrize(
    "template",
    ["/rec/${strftime(%Y-%m-%d-%H-%M-%S)}.${destination_number}.${caller_id_number}.${uuid}.wav", "/r/a.mp3"],
)
def test_templates(template: str) -> None:
    validate_record_template(template)


@pytest.mark.parametrize(
    "template",
    [
        *HOSTILE,
        "/rec/${system(id)}.wav",
        "/rec/${caller_id_name}.wav",
        "/rec/../x.wav",
        "rec/a.wav",
        "/rec/a.sh",
    ],
)
def test_templates_that_are_refused(template: str) -> None:
    with pytest.raises(ValidationError):
        validate_record_template(template)


@pytest.mark.parametrize(
    "contact",
    [
        "user/1001",
        "[leg_timeout=10]user/1000@default",
        "[call_timeout=60]user/1001",
        "{ignore_early_media=true,leg_timeout=10}sofia/gateway/GW/+4930123",
        "[a=1,b=2]user/1@x,[a=1]user/2@x|loopback/3000/default",
        "sofia/internal/1001@192.0.2.1:5060",
    ],
)
def test_contacts(contact: str) -> None:
    validate_contact(contact)
    assert set_agent_contact("a", contact).line.endswith(contact)


@pytest.mark.parametrize(
    "contact",
    [
        *HOSTILE,
        "[api_on_answer=system]user/1",
        "{execute_on_answer_x=system}user/1",
        "[a=${system(id)}]user/1",
        "loopback/app=system:id",
        "loopback/app:system/default",
        "loopback/1/default/inline",
        "user/1 user/2",
        "error/x",
        "&system(id)",
        "[leg_timeout=10user/1",
        "",
    ],
)
def test_contacts_that_are_refused(contact: str) -> None:
    with pytest.raises(ValidationError):
        validate_contact(contact)


@pytest.mark.django_db
def test_a_name_belongs_to_one_account_of_a_switch() -> None:
    QueueServer.objects.create(switch=make.make_switch())
    make.make_queue(make.make_account(), "q@x")
    ours = Queue(account=make.make_account(), name="q@x", managed=True)
    with pytest.raises(ValidationError, match="another account"):
        ours.full_clean()


@pytest.mark.django_db
def test_names_of_accounts_without_a_common_switch_may_be_alike() -> None:
    one, other = make.make_account(), make.make_account()
    QueueServer.objects.create(switch=make.make_switch(one))
    QueueServer.objects.create(switch=make.make_switch(other))
    make.make_queue(one, "q@x")
    Queue(account=other, name="q@x", managed=True).full_clean()


@pytest.mark.django_db
def test_nobody_rings_another_account_s_phones() -> None:
    make.make_account(realm="theirs.example")
    agent = Agent(account=make.make_account(realm="ours.example"), name="a", managed=True)
    agent.contact = "user/1@ours.example"
    agent.full_clean()
    agent.contact = "user/1@Theirs.example"
    with pytest.raises(ValidationError, match="another account"):
        agent.full_clean()


@pytest.mark.django_db
def test_what_was_only_seen_may_have_any_name() -> None:
    Queue(account=make.make_account(), name="seen 이름").full_clean()
