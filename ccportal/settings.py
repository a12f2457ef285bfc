"""Settings, all of them from the environment; docs/settings.md describes each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ccportal.admin_theme import UNFOLD as UNFOLD
from ccportal.environment import (
    database_from_url,
    mail_from_url,
    read_bool,
    read_int,
    read_list,
    read_secret_key,
)

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("CCPORTAL_DATA_DIR") or BASE_DIR / "data").resolve()
DATA_DIR.mkdir(mode=0o750, parents=True, exist_ok=True)

SECRET_KEY = read_secret_key("CCPORTAL_SECRET_KEY", DATA_DIR / "secret_key")
# The first seals what is secret in the database, all of them open it
CCPORTAL_ENCRYPTION_KEYS = read_list("CCPORTAL_ENCRYPTION_KEYS") or [SECRET_KEY]
DEBUG = read_bool("CCPORTAL_DEBUG")
ALLOWED_HOSTS = read_list("CCPORTAL_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = read_list("CCPORTAL_CSRF_TRUSTED_ORIGINS")
HTTPS = read_bool("CCPORTAL_HTTPS")

INSTALLED_APPS = [
    "ccportal.admin_site.AdminThemeConfig",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_q",
    "storages",
    "database",
    "accounts",
    "queues",
    "policies",
    "cdr",
    "recordings",
    "reviews",
    "ccportal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "ccportal.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.ActorMiddleware",
    "ccportal.enrolment.EnrolmentMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "ccportal.urls"
WSGI_APPLICATION = "ccportal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": database_from_url(
        os.environ.get("DATABASE_URL") or f"sqlite:///{quote(str(DATA_DIR))}/db.sqlite3",
        pool_size=read_int("CCPORTAL_DATABASE_POOL", 0),
    ),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "rates": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "rates",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    },
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Whether operators, who belong to no account, have to sign in by two steps
CCPORTAL_OPERATORS_TWO_STEP = read_bool("CCPORTAL_OPERATORS_TWO_STEP")
PASSWORD_RESET_TIMEOUT = 3600
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "ccportal.portal.errors.csrf_failure"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if read_bool("CCPORTAL_BEHIND_PROXY") else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A call-centre CDR row of the switch, posted as JSON, is larger than Django's 2.5 MB once in a while.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

globals().update(mail_from_url(os.environ.get("CCPORTAL_EMAIL_URL", ""), DATA_DIR / "mail"))
DEFAULT_FROM_EMAIL = os.environ.get("CCPORTAL_EMAIL_FROM") or "ccportal@localhost"
EMAIL_SUBJECT_PREFIX = ""

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_IS_COLLECTED = (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not STATIC_IS_COLLECTED
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
MEDIA_ROOT = DATA_DIR / "audio"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": {"BACKEND": "recordings.storage.AudioStorage", "OPTIONS": {"location": MEDIA_ROOT}},
    "staticfiles": {"BACKEND": "ccportal.staticfiles.ManifestWhenCollectedStorage"},
}
# The bucket in which everybody's recordings are kept whose account has no storage of its own
CCPORTAL_S3_BUCKET = os.environ.get("CCPORTAL_S3_BUCKET", "")
CCPORTAL_S3_ENDPOINT = os.environ.get("CCPORTAL_S3_ENDPOINT", "")
CCPORTAL_S3_REGION = os.environ.get("CCPORTAL_S3_REGION", "")
CCPORTAL_S3_PREFIX = os.environ.get("CCPORTAL_S3_PREFIX", "").strip("/")
CCPORTAL_S3_ACCESS_KEY = os.environ.get("CCPORTAL_S3_ACCESS_KEY", "")
CCPORTAL_S3_SECRET_KEY = os.environ.get("CCPORTAL_S3_SECRET_KEY", "")
CCPORTAL_S3_TIMEOUT = read_int("CCPORTAL_S3_TIMEOUT", 20, minimum=1)
# How much of the stored audio is read again every hour
CCPORTAL_VERIFY_MEGABYTES = read_int("CCPORTAL_VERIFY_MEGABYTES", 2000, minimum=1)
# A location of the web server in front that serves the audio folder to it alone, such as /protected-audio/
CCPORTAL_X_ACCEL = os.environ.get("CCPORTAL_X_ACCEL", "")
# Audio in a bucket is fetched from there by who may hear it, with an address that soon ends
CCPORTAL_PRESIGNED = read_bool("CCPORTAL_PRESIGNED", True)
CCPORTAL_UPLOAD_MOST_MB = read_int("CCPORTAL_UPLOAD_MOST_MB", 1024, minimum=1)
# How large the file of an export may be
CCPORTAL_EXPORT_MOST_MB = read_int("CCPORTAL_EXPORT_MOST_MB", 20_000, minimum=1)
CCPORTAL_UPLOAD_HOURS = read_int("CCPORTAL_UPLOAD_HOURS", 24, minimum=1)
# How long a file of a switch lies untouched before it is looked at as an orphan; 0 looks for none
CCPORTAL_ORPHAN_MINUTES = read_int("CCPORTAL_ORPHAN_MINUTES", 60)
# Hosts inside the own network that tenants may have recordings delivered to
CCPORTAL_DELIVERY_ALLOWED_HOSTS = read_list("CCPORTAL_DELIVERY_ALLOWED_HOSTS")

Q_CLUSTER: dict[str, Any] = {
    "name": "ccportal",
    "label": "Tasks",
    "orm": "default",
    "workers": read_int("CCPORTAL_WORKERS", 2, minimum=1),
    "timeout": 900,
    "retry": 1200,
    "max_attempts": 5,
    "ack_failures": True,
    "catch_up": False,
    "poll": 0.5,
    "queue_limit": 8,
    "save_limit": 1000,
    "max_rss": 400_000,
}

CCPORTAL_FASTAGI_HOST = os.environ.get("CCPORTAL_FASTAGI_HOST", "127.0.0.1")
CCPORTAL_FASTAGI_PORT = read_int("CCPORTAL_FASTAGI_PORT", 4573, minimum=1)

# Requests a minute that the API answers to one person or key, in each web process; 0 answers all
CCPORTAL_API_RATE = read_int("CCPORTAL_API_RATE", 1200)
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ccportal",
    "DESCRIPTION": "Calls, queues and recordings of a call centre.",
    "VERSION": "2",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/v2",
    "PREPROCESSING_HOOKS": ["ccportal.api.documents.only_v2"],
    "POSTPROCESSING_HOOKS": ["ccportal.api.documents.with_bodies"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "ccportal.logs.OneLineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s[%(process)d] %(message)s",
        },
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("CCPORTAL_LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "django-q": {"handlers": [], "propagate": True, "level": "WARNING"},
    },
}
