import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_contacts"),
        ("cdr", "0009_forgotten_legs"),
        ("recordings", "0015_connectors"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=64)),
                ("started_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tags",
                        to="cdr.call",
                    ),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="own_tags",
                        to="recordings.recording",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "indexes": [
                    models.Index(
                        models.F("account"),
                        models.F("name"),
                        models.OrderBy(models.F("started_at"), descending=True),
                        models.OrderBy(models.F("call"), descending=True),
                        name="tag_account_name_started",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("call", "name"), name="tag_unique_of_call"),
                    models.UniqueConstraint(fields=("recording", "name"), name="tag_unique_of_recording"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("call__isnull", False), ("recording", None)),
                            models.Q(("call", None), ("recording__isnull", False)),
                            _connector="OR",
                        ),
                        name="tag_has_one_owner",
                    ),
                ],
            },
        ),
    ]
