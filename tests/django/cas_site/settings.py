"""A django-cas-server for the end-to-end tests: one user, loopback services, sqlite.

CAS_SITE_STATE names the directory that holds the database, CAS_SITE_CA the file with certificates of trusted
authorities.
"""

import os
import secrets
from pathlib import Path

STATE = Path(os.environ["CAS_SITE_STATE"])

# One key for all workers of one run; gunicorn preloads the application, so they share it.
SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "cas_site.urls"
WSGI_APPLICATION = "cas_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
STATIC_URL = "/static/"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "cas_server",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
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
        "NAME": STATE / "cas.sqlite3",
        # Tests sign in at the same time: wait for the write lock instead of failing with it.
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    },
}

CAS_AUTH_CLASS = "cas_server.auth.TestAuthUser"
CAS_TEST_USER = "casuser"
CAS_TEST_PASSWORD = "Mellon"
# Several values, markup, letters beyond ASCII, and an empty value.
CAS_TEST_ATTRIBUTES = {
    "displayName": "Cäs <User> & Co",
    "mail": "casuser@example.org",
    "memberOf": ["staff", "cats & hatters", "猫"],
    "nickname": "",
}

# Whom to trust when a proxy is called back: tests write it while the server runs.
CAS_PROXY_CA_CERTIFICATE_PATH = os.environ["CAS_SITE_CA"]

# The pages of the server fetch nothing from outside this machine.
CAS_NEW_VERSION_HTML_WARNING = False
CAS_NEW_VERSION_EMAIL_WARNING = False
CAS_COMPONENT_URLS = {
    "bootstrap4_css": "data:text/css,",
    "bootstrap4_js": "data:text/javascript,",
    "jquery": "data:text/javascript,jQuery=function(){}",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
