# The service of genreclf. Build and run, with a model beside it:
#   docker build -t genreclf .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/music.genreclf:/model:ro" genreclf
FROM python:3.13-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY genreclf /source/genreclf
RUN python -m venv /opt/genreclf \
    && /opt/genreclf/bin/pip install --no-cache-dir "/source[m4a,serve]"

FROM python:3.13-slim
COPY --from=build /opt/genreclf /opt/genreclf
RUN useradd --system --uid 10001 --no-create-home genreclf \
    && install -d -o genreclf /var/cache/genreclf
ENV NUMBA_CACHE_DIR=/var/cache/genreclf
USER 10001
# The inner loops are compiled once, here, where the processor is of the same kind.
RUN ["/opt/genreclf/bin/python", "-c", "from genreclf import features; features.compile_kernels()"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["/opt/genreclf/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["/opt/genreclf/bin/genreclf", "serve", "/model", "--host", "0.0.0.0", "--port", "8000"]
