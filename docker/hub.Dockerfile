# The hub and its workers: one image, started by different commands (docker-compose.yml).
FROM node:24-slim AS console
WORKDIR /console
COPY console/ ./
RUN npm ci && npm run build

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
# Puts Spanish into English for the knowledge base (docs/knowledge.md).
RUN apt-get update && apt-get install -y --no-install-recommends apertium-eng-spa && rm -rf /var/lib/apt/lists/*
COPY requirements/hub.txt requirements/
# The CPU build, from PyTorch's index; everything else comes without that index.
RUN pip install --no-deps --extra-index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' requirements/hub.txt)" \
    && pip install -r requirements/hub.txt \
    && python -c "import torch; assert torch.version.cuda is None"
COPY pyproject.toml ./
COPY hub/ hub/
COPY channels/ channels/
COPY bot/*.py bot/
COPY kb/ kb/
RUN pip install --no-deps --no-build-isolation . && python -m kb.export
COPY --from=console /console/dist console/dist
RUN useradd --uid 10001 centralita && install -d -o centralita /data
USER centralita
ENV CENTRALITA_HOST=0.0.0.0 CENTRALITA_DATA=/data CENTRALITA_CONSOLE=/app/console/dist HF_HUB_OFFLINE=1
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "hub", "serve"]
