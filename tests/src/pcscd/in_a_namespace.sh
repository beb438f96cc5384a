# in_a_namespace.sh COMMAND...: runs COMMAND beside a pcscd with vpcd, of which nothing is seen
# outside. vpcd listens on every address, so it gets a network of its own. Its acknowledgements are
# quick ones: otherwise each APDU waits 40 ms for the last one's.
set -eu
ip link set lo up
for net in 127.0.0.0/8 127.0.0.1; do
    ip route replace local "$net" dev lo proto kernel scope host src 127.0.0.1 table local quickack 1
done
mkdir -p /run/pcscd
mount -t tmpfs -o mode=755 tmpfs /run/pcscd
cat > /run/pcscd/vpcd.conf <<END
FRIENDLYNAME "Virtual PCD"
DEVICENAME   /dev/null:0x8C7B
LIBPATH      /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID    0x8C7B
END
pcscd --foreground --critical --config /run/pcscd/vpcd.conf &
export PCSCD=$!
for _ in $(seq 200); do
    [ -S /run/pcscd/pcscd.comm ] && break
    sleep 0.05
done
status=0
"$@" || status=$?
kill "$PCSCD" 2>/dev/null || true
wait "$PCSCD" || true
exit "$status"
