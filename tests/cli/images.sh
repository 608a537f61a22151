# A folder of images from outside: searched, retrained, its names and its preprocessing in every export; and folders that are refused.
. "$(dirname "$0")/helper.sh"
maker="$NAS_BUILD_FOLDER/bin/make_images"
[ -x "$maker" ] || exit 77
have_device || exit 77
export CLNAS_CACHE="$scratch/cache"

"$maker" flowers 120 40 '{ type = "synthetic"; classes = 3; shape = [3, 8, 8]; train = 150; test = 60; }' 'ox eye,rose/wild,tulip' >/dev/null
[ "$(find flowers -name '*.png' | wc -l)" -eq 160 ] || { echo "make_images wrote another number" >&2; exit 1; }
[ -d "flowers/train/rose-wild" ] || { echo "make_images has no folder rose-wild" >&2; exit 1; }

write_small_config
sed 's/type = "synthetic"; valid = 64;/type = "images"; path = "flowers"; size = 8; valid = 30;/' small.cfg >images.cfg
run check images.cfg; expect_code 0; expect_out 'size = [8]'; expect_out 'filter = "bilinear"'
run search images.cfg; expect_code 0
run train small.study:1 --epochs 1 -o model.safetensors -q; expect_code 0
run eval model.safetensors small.study -f json; expect_code 0; expect_json 'x["samples"] == 40 and 0 <= x["accuracy"] <= 1'
CLNAS_PEER_PYTHON=/nowhere/python run export model.safetensors --to onnx -o net.onnx -q; expect_code 0
run export model.safetensors --to safetensors -o net.safetensors -q; expect_code 0
grep -aqF 'image = { size = [8, 8]; channels = 3; filter = "bilinear"; fit = "stretch"; background = "black"; }' net.onnx ||
    fail "the preprocessing of the export lacks the image"
for file in model.safetensors net.safetensors; do
    grep -aqF 'image = { size = [8, 8]; channels = 3; ' $file || fail "the preprocessing of $file lacks the image"
    grep -aqF 'ox eye\nrose-wild\ntulip' $file || fail "the class names are not in $file"
done

# New files become the same samples; a model that makes larger ones than it takes is refused.
run predict model.safetensors flowers/test/tulip/*.png -f csv; expect_code 0; expect_out "tulip"
sed 's/size = \[8, 8\]/size = [9, 9]/' model.safetensors >larger.safetensors
run predict larger.safetensors flowers/test/tulip/*.png; expect_code 6; expect_err "another shape than 3×8×8"

# Decoded anew, they give the same study as from the cache.
run search images.cfg -s study=again -s data.cache=none; expect_code 0
run trials small.study -f csv; cut -d, -f1-5 out.txt >first.csv
run trials again.study -f csv; cut -d, -f1-5 out.txt >second.csv
cmp first.csv second.csv || fail "the cache changes the study"

# Numbers from a table.
(cd flowers && echo "file,bright" && find train -name '*.png' | sort | awk '{ printf "%s,%d\n", $0, NR % 7 }') >table.csv
mv table.csv flowers/table.csv
run check images.cfg -s data.csv=table.csv -s data.task=regress -s data.test=0.25; expect_code 0

# Refused, with the way out.
refused() { words=$1; shift; run check images.cfg "$@"; expect_code 6; expect_err "$words"; }
echo no >flowers/train/tulip/broken.png
refused "broken.png: neither PNG nor JPEG"
expect_err "data.skip_unreadable = true"
run check images.cfg -s data.skip_unreadable=true; expect_code 0; expect_err "1 of 161 images cannot be read and are left out"
run search images.cfg -s study=skipped -s data.skip_unreadable=true --no-retrain; expect_code 0
grep -qF "1 of 161 images cannot be read" skipped.study.d/worker-0.log || fail "the worker says nothing"
rm flowers/train/tulip/broken.png
mkdir flowers/train/violet
refused "violet: the class folder is empty"
rmdir flowers/train/violet
refused "no such folder" -s data.path=nowhere
refused "t.csv" -s data.csv=t.csv
run check images.cfg -s data.task=regress; expect_code 2; expect_err "data.csv"
run check images.cfg -s data.filter=sinc; expect_code 2; expect_err "lanczos"
