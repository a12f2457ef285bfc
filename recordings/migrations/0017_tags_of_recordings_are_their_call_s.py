from typing import Any

from django.db import migrations

AT_ONCE = 1000


def give_to_calls(apps: Any, schema_editor: Any) -> None:
    """Make rows of what recordings have as JSON; a call has what any of its recordings had."""
    recordings, tags = apps.get_model("recordings", "Recording"), apps.get_model("recordings", "Tag")
    tagged = recordings.objects.exclude(tags=[]).filter(account__isnull=False).select_related("call")
    new = []
    for row in tagged.only(
        "account", "call", "started_at", "tags", "call__account", "call__started_at"
    ).iterator():
        owner = row.call or row
        whose = {"call": row.call} if row.call else {"recording": row}
        if owner.account_id is None:
            continue
        new += [
            tags(account_id=owner.account_id, name=name[:64], started_at=owner.started_at, **whose)
            for name in row.tags
        ]
    tags.objects.bulk_create(new, batch_size=AT_ONCE, ignore_conflicts=True)


def give_back(apps: Any, schema_editor: Any) -> None:
    recordings, tags = apps.get_model("recordings", "Recording"), apps.get_model("recordings", "Tag")
    for tag in tags.objects.order_by("name").iterator():
        own = {"call": tag.call_id} if tag.call_id else {"pk": tag.recording_id}
        for row in recordings.objects.filter(**own):
            row.tags.append(tag.name)
            row.save(update_fields=["tags"])


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0016_tags"),
    ]

    operations = [
        migrations.RunPython(give_to_calls, give_back),
        migrations.RemoveField(model_name="recording", name="tags"),
    ]
