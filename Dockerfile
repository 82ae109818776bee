FROM python:3.13-slim AS build
RUN python -m venv /opt/clickgate
ENV PATH=/opt/clickgate/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
# The pins change less often than the code: a layer of their own is built again only with them.
COPY requirements.txt ./
RUN pip install --requirement requirements.txt
COPY pyproject.toml README.md LICENSE hatch_build.py ./
COPY gateway/ gateway/
COPY graph/ graph/
COPY rest/ rest/
COPY db/ db/
# The web pages are built here, with packages from npm. `--build-arg CLICKGATE_WEB=` lets an image go without them.
ARG CLICKGATE_WEB=required
RUN pip install --no-deps . && pip check

FROM python:3.13-slim
# A fixed number, so that whoever mounts a folder at /data can give it to this user beforehand.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin clickgate \
    && install --directory --owner=clickgate --group=clickgate /data
COPY --from=build /opt/clickgate /opt/clickgate
ENV PATH=/opt/clickgate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CLICKGATE_HOST=0.0.0.0 \
    CLICKGATE_DATABASE_URL=sqlite:////data/clickgate.db
WORKDIR /data
VOLUME /data
USER 10001
EXPOSE 8000
# Asks for life, not readiness: a new container does not bring back a database that is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('CLICKGATE_PORT') or 8000), timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
# On a stop, requests under way get up to 15 s and then the queue is committed. Docker kills after 10 s unless told
# to wait: `docker run --stop-timeout 30`.
STOPSIGNAL SIGTERM
CMD ["clickgate", "serve"]
