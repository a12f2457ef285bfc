from django.db import migrations

from cdr.name_index import add_name_index


def add(apps, editor):
    add_name_index()


class Migration(migrations.Migration):
    dependencies = [("cdr", "0009_forgotten_legs")]

    operations = [
        migrations.RunPython(add, migrations.RunPython.noop, elidable=False),
    ]
