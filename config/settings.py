"""Rung's settings. Every value that differs between installations comes from the environment.

`.env.example` names each variable with what it is for. `RUNG_ENV` is `local` (trying out, developing, testing:
safe values are chosen here) or `production` (nothing is chosen here: a missing variable stops the start).
"""

from pathlib import Path

import environ

from config.environment import BASE_DIR, VAR_DIR, kept_secret, load_dot_env
from config.logs import logging_settings
from config.required import required_in_production

load_dot_env()
env = environ.Env()

RUNG_ENV = env.str("RUNG_ENV", default="local")
PRODUCTION = RUNG_ENV == "production"
required_in_production(RUNG_ENV, env.ENVIRON)

# --- Who we are ---

# Production sets it; elsewhere a random one is made at the first start.
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or kept_secret(VAR_DIR / "secret-key")
# Older keys, which open what they signed and sign nothing: a new key then signs nobody out (SECURITY.md).
SECRET_KEY_FALLBACKS = env.list("DJANGO_SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DJANGO_DEBUG", default=False)
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "config",
    "reminders",
    "labs",
    "dosing",
    "patients",
    "trials",
    "accounts",
    "audit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.client_address.ClientAddressMiddleware",
    "config.private_pages.PrivatePagesMiddleware",
    "config.rate_limits.RateLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.session_middleware.SessionLimitsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "audit.middleware.AuditContextMiddleware",
    # Inside audit's, which gives the request its id.
    "config.request_log.RequestLogMiddleware",
    "trials.second_factor_middleware.SecondFactorMiddleware",
    "trials.middleware.BeingSetUpMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
                "accounts.session_context.session_end",
            ],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- PostgreSQL and Redis ---

# Two roles: the owner makes and changes tables, the application reads and writes rows and cannot touch the audit
# trail. Web, worker and beat are never given the owner's URL; only the step that migrates is, and says so with
# RUNG_DATABASE_ROLE=owner (`make migrate`, the `migrate` service of docker-compose.yml).
RUNG_DATABASE_ROLE = env.str("RUNG_DATABASE_ROLE", default="application")
_DATABASE_VARIABLE = "DATABASE_OWNER_URL" if RUNG_DATABASE_ROLE == "owner" else "DATABASE_URL"
DATABASES = {
    "default": {
        **env.db_url(_DATABASE_VARIABLE, default="postgresql://rung_app@localhost/rung"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
REDIS_URL = env.str("REDIS_URL", default="redis://localhost:6379/0")
CELERY_BROKER_URL = REDIS_URL
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# --- People and sessions ---

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.breached.BreachedPasswordValidator"},
]
# Signers and administrators need a second factor ("required", always so in production), or may have one ("offered").
SECOND_FACTOR = "required" if PRODUCTION else env.str("SECOND_FACTOR", default="offered")
# Who is told when somebody is locked out; the administrators, where it is empty.
SECURITY_EMAIL = env.str("SECURITY_EMAIL", default="")
# What django-allauth is used for: the steps of signing in, authenticator apps, recovery codes and passkeys. Accounts
# are made by administrators, e-mail addresses are the User's, and failures are counted by accounts.operations.attempts.
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {"reauthenticate": "accounts.forms.PasswordAgainForm"}
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_FORMS = {"authenticate": "accounts.forms.CodeForm", "activate_totp": "accounts.forms.AuthenticatorAppForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Rung"
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
SESSION_COOKIE_NAME = "rung_session"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True

# Requests a minute from one address; 0 counts none. Behind a proxy they are those of whom the proxy saw.
RATE_LIMITS = {
    "sign_in": env.int("RATE_LIMIT_SIGN_IN", default=30),
    "api": env.int("RATE_LIMIT_API", default=1200),
    "feed": env.int("RATE_LIMIT_FEED", default=60),
}
# What is sent: a study file or a record is some hundred kilobytes at most; anything larger is cut off while it arrives.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_HANDLERS = ["config.uploads.AtMost"]

# --- Transport ---

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Health checks come from inside the container, over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
# Asking browser makers to list the whole domain is its owner's choice, not this program's.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Language, time, files ---

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
HASHED_STATIC_FILES = env.bool("HASHED_STATIC_FILES", default=PRODUCTION)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if HASHED_STATIC_FILES
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not HASHED_STATIC_FILES

# --- E-mail ---

# Locally each message becomes a file under var/mail and a line in the log; nothing leaves the machine.
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
if not env.str("EMAIL_URL", default=""):
    EMAIL_BACKEND = "config.mail.LocalMailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Rung <rung@localhost>")

# --- The audit trail: where its newest hashes are published once a day ---

AUDIT_PUBLISHED_DIR = Path(env.str("AUDIT_PUBLISHED_DIR", default="") or VAR_DIR / "audit")
AUDIT_PUBLISHED_TO = env.list("AUDIT_PUBLISHED_TO", default=[])

# --- The demonstration: its sign-in page shows who can sign in ---

RUNG_DEMO = env.bool("RUNG_DEMO", default=False) and not PRODUCTION
DEMO_PEOPLE_FILE = VAR_DIR / "demo-people.json"

# --- The API ---

REST_FRAMEWORK = {
    # Client credentials only: a person's session opens pages, never the API.
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.ClientAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["oauth2_provider.contrib.rest_framework.TokenHasReadWriteScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "config.api.ByCursor",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "config.api.refusal_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
OAUTH2_PROVIDER = {
    "SCOPES": {"read": "Read what the client may see", "write": "Record data; signing is not to be had over the API"},
    "DEFAULT_SCOPES": ["read"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    # No other grant is offered, so nothing here speaks for a person.
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    # Current best practice throughout (RFC 9700); tokens are stored as digests.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Rung",
    "DESCRIPTION": "Dose-finding trials: the same operations as the pages, the same refusals.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "CollectionOutcome": "labs.models.Collection.Outcome",
        "ActivityOutcome": "patients.models.ActivityRecord.Outcome",
        "AdministrationOutcome": "patients.models.Administration.Outcome",
    },
}

# --- Log ---

LOGGING = logging_settings(level=env.str("LOG_LEVEL", default="INFO"), as_json=PRODUCTION)
