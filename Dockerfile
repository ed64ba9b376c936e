# syntax=docker/dockerfile:1
# The service and its worker in one image; docs/deployment.md says how to run it.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/musiscene
ENV PATH=/opt/musiscene/bin:$PATH
WORKDIR /source
# Torch first, in its CPU build: a layer of its own that changes with its pin alone.
COPY constraints.txt ./
RUN pip install --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY musiscene musiscene
COPY indexer indexer
COPY migrations migrations
COPY service service
# OpenCV's usual wheel wants the libraries of a desktop; the other one has the same functions.
RUN pip install -c constraints.txt '.[compose,postgres,redis,video]' \
    && pip uninstall -y opencv-python \
    && pip install "opencv-python-headless==$(sed -n 's/^opencv-python==//p' constraints.txt)" \
    && find /opt/musiscene -name '__pycache__' -type d -prune -exec rm -rf {} +

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="MusiScene" \
      org.opencontainers.image.description="Music for scenes: tracks for a video, over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 musiscene \
    && useradd --system --uid 10001 --gid musiscene --no-create-home musiscene \
    && install -d -o musiscene -g musiscene -m 0750 /data /models
COPY --from=build /opt/musiscene /opt/musiscene
# Models are fetched once, into their volume: XDG_CACHE_HOME/musiscene/models.
ENV PATH=/opt/musiscene/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/models \
    MUSISCENE_DATA_DIR=/data \
    MUSISCENE_HOST=0.0.0.0 \
    MUSISCENE_LOGS_FORMAT=json
USER musiscene
WORKDIR /data
VOLUME ["/data", "/models"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
ENTRYPOINT ["musiscene"]
CMD ["serve"]
