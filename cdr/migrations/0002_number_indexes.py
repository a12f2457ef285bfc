from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cdr", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="call",
            name="call_caller_started",
        ),
        migrations.RemoveIndex(
            model_name="call",
            name="call_dialed_started",
        ),
        migrations.RemoveIndex(
            model_name="call",
            name="call_callee_started",
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                models.F("account"),
                models.F("caller_digits"),
                models.OrderBy(models.F("started_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="call_caller_started",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                models.F("account"),
                models.F("dialed_digits"),
                models.OrderBy(models.F("started_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="call_dialed_started",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                models.F("account"),
                models.F("callee_digits"),
                models.OrderBy(models.F("started_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="call_callee_started",
            ),
        ),
    ]
