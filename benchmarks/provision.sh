#!/usr/bin/env bash
# The yardstick: the docker run calls that site.yml leads to, on all three hosts at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
registry=10.111.152.2:5000
addresses=(10.111.152.136 10.111.152.135 10.111.152.168)

host() {
  local number=$1 address=${addresses[$1 - 1]}
  cat <<SCRIPT
set -e
docker volume create consul-data
docker run -d --name consul-server --hostname consulserver-node$number --network host \
  --restart unless-stopped -v consul-data:/consul/data --entrypoint /bin/consul --stop-timeout 20 \
  $registry/hashicorp/consul:1.22.7 agent -server -ui -bootstrap-expect=3 \
  -node=consulserver-node$number -datacenter=dc1 -bind=0.0.0.0 -advertise=$address \
  -client=0.0.0.0 -http-port=8500 -dns-port=8600 -data-dir=/consul/data \
  ${addresses[*]/#/-retry-join=} -hcl='performance { raft_multiplier = 1 }' \
  -hcl='autopilot { min_quorum = 3 }' -hcl=leave_on_terminate=false \
  -hcl=skip_leave_on_interrupt=true -hcl=disable_update_check=true
docker run -d --name registrator --hostname registrator-$number --network host \
  --restart unless-stopped -v /var/run:/run/docker-host \
  -e DOCKER_HOST=unix:///run/docker-host/docker.sock $registry/rollcall/registrator:1.0.0 \
  -ip=$address -resync=10 -cleanup consul://127.0.0.1:8500
docker run -d --name helloworld-1 --restart unless-stopped -p 80 -e MY_HOST=host-$number \
  -e SERVICE_80_NAME=my-web-server -e SERVICE_TAGS=backend-$number \
  -e SERVICE_80_CHECK_HTTP=/health -e SERVICE_80_CHECK_INTERVAL=2s -e SERVICE_80_CHECK_TIMEOUT=1s \
  -e SERVICE_80_CHECK_INITIAL_STATUS=passing $registry/rollcall/helloworld:1.0.0
SCRIPT
  if [ "$number" = 1 ]; then
    cat <<SCRIPT
docker run -d --name nginx-lb --network host --restart unless-stopped --stop-timeout 40 \
  --expose 80 -l SERVICE_80_NAME=nginx-lb -l SERVICE_80_CHECK_HTTP=/healthz -l SERVICE_80_CHECK_INTERVAL=2s \
  -e CONSUL_HTTP_ADDR=127.0.0.1:8500 -e NGINX_LB_SERVICE=my-web-server -e NGINX_LB_PORT=80 \
  -e NGINX_LB_CONNECT_TIMEOUT=500ms $registry/rollcall/nginx-lb:1.0.0
SCRIPT
  fi
}

for number in 1 2 3; do
  host "$number" | ssh -F .lab/ssh/config "host-$number" bash -s > /dev/null &
done
wait
