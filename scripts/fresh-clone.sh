#!/usr/bin/env bash
# Clones this commit into an empty folder and runs the README's commands there, as a newcomer would.
set -euo pipefail
folder=$(mktemp -d)
offset=21000
trap 'kill "${pid:-}" 2>/dev/null || true; wait "${pid:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
git clone -q --no-hardlinks . "$folder/meridian"
cd "$folder/meridian"
npm start --silent -- --port-offset $offset > start.log 2> start.err &
pid=$!
for _ in $(seq 600); do
  grep -qx ready start.log && break
  kill -0 "$pid" 2>/dev/null || { cat start.log start.err; exit 1; }
  sleep 0.5
done
grep -qx ready start.log || { cat start.log start.err; echo 'not ready'; exit 1; }
TOKEN=$(npx meridian token --tenant acme --subject alice --allow 'cities:read,write')
printf 'AD:Andorra la Vella\nFR:Paris\nDE:Berlin\n' |
  npx meridian produce cities --region us-east --token "$TOKEN" --port-offset $offset --key-separator :
records=$(npx meridian tail cities --region eu-west --token "$TOKEN" --port-offset $offset --from earliest --limit 3 --json)
[ "$(wc -l <<< "$records")" -eq 3 ]
grep -q Berlin <<< "$records"
npx meridian links --port-offset $offset --json | grep -q us-east
npx meridian verify acme.cities --port-offset $offset | grep -q equal
sed -i '/^    to: eu-west/a\    topics: { exclude: { list: [acme.orders] } }' regions/links.yaml
for _ in $(seq 60); do
  npx meridian link create orders --from us-east --to eu-west --topic acme.orders --policy identity --port-offset $offset && break
  sleep 0.5
done
echo 'an order' | npx meridian produce orders --region us-east --port-offset $offset \
  --token "$(npx meridian token --tenant acme --subject alice --allow 'orders:write')"
for _ in $(seq 60); do
  npx meridian failover plan acme.orders --to eu-west --port-offset $offset && planned=yes && break
  sleep 0.5
done
[ "${planned:-no}" = yes ]
kill -INT "$pid"
wait "$pid" || true
for port in 9092 9093 8080 9192 9193 8180; do
  if (exec 3<> "/dev/tcp/127.0.0.1/$((port + offset))") 2>/dev/null; then echo "port $((port + offset)) is still open"; exit 1; fi
done
echo 'the README holds'
