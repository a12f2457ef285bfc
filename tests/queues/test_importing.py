"""Queues taken over from a switch's own file, with its includes and variables, and what is left out."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from queues.models import Agent, Queue, QueueServer, SwitchOrder, Tier
from tests import captures
from tests import factories as make

pytestmark = pytest.mark.django_db
SAMPLE = captures.FREESWITCH / "callcenter" / "sample.conf.xml"
TREE = {
    "vars.xml": '<X-PRE-PROCESS cmd="set" data="moh=local_stream://moh"/>\n',
    "callcenter.conf.xml": """<configuration name="callcenter.conf">
      <settings><param name="dbname" value="/dev/shm/cc.db"/><param name="nonsense" value="1"/></settings>
      <queues><X-PRE-PROCESS cmd="include" data="callcenter/*.xml"/></queues>
      <agents>
        <agent name="1001" type="callback" contact="user/1001" status="Logged Out" wrap-up-time="7"/>
        <agent name="evil" type="callback" contact="[api_on_answer=system id]user/1"/>
        <!-- <agent name="commented" type="callback" contact="user/1"/> -->
      </agents>
      <tiers><tier queue="a@x" agent="1001" level="2"/><tier queue="a@x" agent="evil"/></tiers>
    </configuration>""",
    "callcenter/a.xml": """<include><queue name="a@x">
      <param name="strategy" value="ring-all"/><param name="moh-sound" value="$${moh}"/>
      <param name="record-template" value="$${unknown}/${uuid}.wav"/>
      <param name="max-wait-time" value="soon"/>
      <param name="tier-rules-apply" value="yes"/><param name="colour" value="red"/>
    </queue></include>""",
}


@pytest.fixture
def server() -> QueueServer:
    return QueueServer.objects.create(switch=make.make_switch(make.make_account()))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def take(file: Path, server: QueueServer, *more: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(
        "import_callcenter", str(file), "--switch", server.switch.name, *more, stdout=out, stderr=err
    )
    return out.getvalue().strip(), err.getvalue()


def test_a_file_with_includes_is_taken(server: QueueServer, tree: Path) -> None:
    said, complaints = take(tree / "callcenter.conf.xml", server, "--vars", str(tree / "vars.xml"))
    assert said == "1 queues, 1 agents, 1 tiers taken"
    queue, agent, tier = Queue.objects.get(), Agent.objects.get(), Tier.objects.get()
    assert (queue.name, queue.managed, queue.strategy) == ("a@x", True, "ring-all")
    assert (queue.moh_sound, queue.tier_rules_apply) == ("local_stream://moh", True)
    assert (queue.record_template, queue.max_wait_time) == ("", 0)
    assert (agent.name, agent.wrap_up_time, agent.busy_delay_time) == ("1001", 7, 0)
    assert (tier.level, tier.position) == (2, 1)
    server.refresh_from_db()
    assert server.settings == {"dbname": "/dev/shm/cc.db"}
    for part in ("nonsense", "colour", "max-wait-time", "record-template", "evil", "status"):
        assert part in complaints


def test_what_was_taken_is_no_news_to_the_switch(server: QueueServer, tree: Path) -> None:
    take(tree / "callcenter.conf.xml", server)
    assert not SwitchOrder.objects.exists()


def test_taking_twice_changes_nothing(server: QueueServer, tree: Path) -> None:
    first = take(tree / "callcenter.conf.xml", server)
    assert take(tree / "callcenter.conf.xml", server) == first
    assert (Queue.objects.count(), Tier.objects.count()) == (1, 1)


def test_the_module_s_sample_is_taken(server: QueueServer) -> None:
    said, _ = take(SAMPLE, server, "--set", "hold_music=local_stream://moh")
    assert said == "1 queues, 0 agents, 0 tiers taken"
    assert Queue.objects.get().moh_sound == "local_stream://moh"


@pytest.mark.parametrize(
    "text",
    [
        "<configuration><queues>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><configuration>&e;</configuration>',
    ],
    ids=["broken", "entities"],
)
def test_what_is_no_plain_xml_is_refused(server: QueueServer, tmp_path: Path, text: str) -> None:
    file = tmp_path / "callcenter.conf.xml"
    file.write_text(text)
    with pytest.raises(CommandError):
        take(file, server)


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../secret.xml", "callcenter.conf.xml"])
def test_only_files_below_the_folder_are_read(server: QueueServer, tmp_path: Path, pattern: str) -> None:
    """Nor is a file that includes itself read for ever."""
    (tmp_path / "secret.xml").write_text('<queue name="secret@x"/>')
    folder = tmp_path / "conf"
    folder.mkdir()
    file = folder / "callcenter.conf.xml"
    file.write_text(f'<a><queues><X-PRE-PROCESS cmd="include" data="{pattern}"/></queues></a>')
    said, complaints = take(file, server)
    assert said == "0 queues, 0 agents, 0 tiers taken"
    assert "left out" in complaints


def test_programs_are_not_run(server: QueueServer, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    file = tmp_path / "callcenter.conf.xml"
    file.write_text(f'<a><X-PRE-PROCESS cmd="exec" data="touch {proof}"/></a>')
    assert "not carried out" in take(file, server)[1]
    assert not proof.exists()


def test_an_account_that_the_switch_does_not_serve_is_refused(server: QueueServer, tree: Path) -> None:
    stranger: Account = make.make_account()
    with pytest.raises(CommandError):
        take(tree / "callcenter.conf.xml", server, "--account", stranger.name)


def test_what_is_written_for_the_switch_is_taken_back(
    server: QueueServer, tree: Path, tmp_path: Path
) -> None:
    take(tree / "callcenter.conf.xml", server, "--vars", str(tree / "vars.xml"))
    file = tmp_path / "written" / "callcenter.conf.xml"
    file.parent.mkdir()
    for expected in ("written", "unchanged"):
        out = StringIO()
        call_command("write_callcenter_conf", str(file), "--switch", server.switch.name, stdout=out)
        assert out.getvalue().strip().endswith(expected)
    before = Queue.objects.values().get()
    assert take(file, server) == ("1 queues, 1 agents, 1 tiers taken", "")
    assert Queue.objects.values().get() == before


def test_no_file_is_written_without_queues(server: QueueServer, tmp_path: Path) -> None:
    file = tmp_path / "callcenter.conf.xml"
    file.write_text("the switch's own")
    with pytest.raises(CommandError):
        call_command("write_callcenter_conf", str(file), "--switch", server.switch.name)
    assert file.read_text() == "the switch's own"
