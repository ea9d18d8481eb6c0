"""A django-mama-cas for the end-to-end tests: one user, loopback services, sqlite.

MAMA_SITE_STATE names the directory that holds the database.
"""

import os
import secrets
from pathlib import Path

# One key for all workers of one run; gunicorn preloads the application, so they share it.
SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "mama_site.urls"
WSGI_APPLICATION = "mama_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "mama_cas",
]
# Its form is protected against forgery by itself, and a middleware for all would refuse SAML.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["MAMA_SITE_STATE"]) / "cas.sqlite3",
        # Tests sign in at the same time: wait for the write lock instead of failing with it.
        "OPTIONS": {"timeout": 20},
    },
}
# There is one account, and its password is in the source.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAMA_CAS_SERVICES = [
    {
        "SERVICE": r"^https?://(127\.0\.0\.1|localhost):[0-9]+/",
        "CALLBACKS": ["mama_site.attributes.attributes"],
        "LOGOUT_ALLOW": True,
        "PROXY_ALLOW": True,
        "PROXY_PATTERN": r"^https://127\.0\.0\.1:[0-9]+/cas/proxy$",
    },
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
