from django.db import migrations

LIST = """
UPDATE cdr_agentoffer SET listed_at = (SELECT started_at FROM cdr_call WHERE cdr_call.id = call_id)
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY call_id, agent_name ORDER BY offered_at, id) AS place
        FROM cdr_agentoffer WHERE answered_at IS NOT NULL
    ) AS answered WHERE place = 1
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cdr", "0011_views_endings_and_agents"),
    ]

    operations = [
        migrations.RunSQL(LIST, migrations.RunSQL.noop),
    ]
