FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /service
COPY . .
RUN make setup
ENV PATH="/service/.venv/bin:$PATH"
RUN useradd --system service && mkdir -p .cache && chown -R service .cache
USER service
