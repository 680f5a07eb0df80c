#!/bin/sh
# Puts the ONNX Runtime library into runtime/, out of the hash-pinned wheel. Does nothing if it is there; an
# interrupted run leaves nothing behind that a later one would take for the library.
set -eu
cd "$(dirname "$0")/.."

version=1.31.1
case "$(uname -s)-$(uname -m)" in
Linux-x86_64) platform=manylinux_2_28_x86_64 member=libonnxruntime.so.$version library=libonnxruntime.so ;;
Linux-aarch64) platform=manylinux_2_28_aarch64 member=libonnxruntime.so.$version library=libonnxruntime.so ;;
Darwin-arm64) platform=macosx_14_0_arm64 member=libonnxruntime.$version.dylib library=libonnxruntime.dylib ;;
*)
    echo "onnxruntime: no pinned library for $(uname -s) $(uname -m): install ONNX Runtime $version and set ORT_DYLIB_PATH to its library" >&2
    exit 1
    ;;
esac

stamp="runtime/.onnxruntime-$version"
[ -f "$stamp" ] && [ -f "runtime/$library" ] && exit 0

mkdir -p runtime
work=$(mktemp -d runtime/.fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --implementation cp --python-version 3.11 --platform "$platform" \
    --require-hashes -r scripts/onnxruntime.txt -d "$work" 2>"$work/log"; then
    sed 's/^/    /' "$work/log" >&2
    echo "onnxruntime: the wheel onnxruntime==$version could not be fetched with pip (offline, or pip is missing)." >&2
    echo "onnxruntime: connect and run \`make runtime\` again, or set ORT_DYLIB_PATH to a library of version 1.24 or later." >&2
    exit 1
fi
python3 - "$work" "$member" "$library" <<'PYTHON'
import glob, sys, zipfile
work, member, library = sys.argv[1:]
with zipfile.ZipFile(glob.glob(work + "/*.whl")[0]) as wheel:
    for name, target in (("onnxruntime/capi/" + member, library), ("onnxruntime/LICENSE", "ONNXRUNTIME-LICENSE"),
                         ("onnxruntime/ThirdPartyNotices.txt", "ONNXRUNTIME-NOTICES")):
        with open(work + "/" + target, "wb") as out:
            out.write(wheel.read(name))
PYTHON
# A rename within one folder is atomic; the stamp comes last.
for file in ONNXRUNTIME-LICENSE ONNXRUNTIME-NOTICES "$library"; do
    mv "$work/$file" "runtime/$file"
done
: >"$stamp"
echo "onnxruntime: runtime/$library, version $version"
