# syntax=docker/dockerfile:1

# Builds on the machine's own platform and compiles for the wanted one, so that `buildx --platform` needs no emulation.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS build
WORKDIR /build
ENV SCARF_ANALYTICS=false
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
ARG TARGETARCH
ARG REVISION=""
RUN node_modules/.bin/bun scripts/build.ts --outfile /out/reprise --revision "$REVISION" \
      --target "bun-linux-$(echo "${TARGETARCH:-$(dpkg --print-architecture)}" | sed s/amd64/x64/)" \
 && mkdir /out/data

# glibc, certificates and time zones; no shell, no package manager. It runs as `nonroot` (65532).
FROM gcr.io/distroless/cc-debian12:nonroot
ARG REVISION=""
LABEL org.opencontainers.image.title="Reprise" \
      org.opencontainers.image.description="Self-hosted outreach by e-mail, SMS and voicemail" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /out/reprise /reprise
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV DATA_DIR=/data PORT=3000
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/reprise", "health"]
ENTRYPOINT ["/reprise"]
CMD ["serve"]
