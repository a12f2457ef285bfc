from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recordings", "0017_tags_of_recordings_are_their_call_s"),
    ]

    operations = [
        migrations.AddField(
            model_name="listening",
            name="stopped_ms",
            field=models.BigIntegerField(null=True),
        ),
    ]
