/* export_graphs.h - graphs that together have every operator that an export has: for tests of exports, and of reading them back. */
#ifndef NAS_TESTS_EXPORT_GRAPHS_H
#define NAS_TESTS_EXPORT_GRAPHS_H

static const char windows[] =
    "input 3x11x9\n1 conv2d(0) out = 6; kernel = 5; stride = 2; bias = true\n2 batch_norm(1)\n"
    "3 conv2d(2) out = 6; groups = 3; dilation = 2\n4 batch_norm(3) affine = false\n"
    "5 activation(4) kind = \"relu\"\n6 conv2d(5) groups = 0\n7 batch_norm(6)\n"
    "8 conv2d(7) out = 5; kernel_h = 1; kernel_w = 3; padding_h = 1; padding_w = 0\n"
    "9 pool(8) kind = \"max\"; kernel = [3, 2]; stride = [2, 1]; padding = [2, 0]\n"
    "10 pool(9) kind = \"average\"; kernel = 3; stride = 1; padding = [1, 2]\n11 batch_norm(10)\n"
    "12 dense(11) out = 7; bias = false\n13 batch_norm(12)\n14 dense(13) out = 4\n";
static const char activations[] =
    "input 2x5x4\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 activation(2) kind = \"relu6\"\n"
    "4 conv2d(3) out = 8\n5 activation(4) kind = \"leaky_relu\"; slope = 0.3\n6 conv2d(5) out = 8\n"
    "7 activation(6) kind = \"sigmoid\"\n8 conv2d(7) out = 8\n9 activation(8) kind = \"tanh\"\n"
    "10 conv2d(9) out = 8\n11 activation(10) kind = \"silu\"\n12 conv2d(11) out = 8\n"
    "13 activation(12) kind = \"hard_swish\"\n14 conv2d(13) out = 8\n15 activation(14) kind = "
    "\"gelu\"\n"
    "16 conv2d(15) out = 8\n17 activation(16) kind = \"relu\"\n18 pool(17) kind = "
    "\"global_average\"\n"
    "19 dense(18) out = 3\n";
static const char joints[] =
    "input 2x7x6\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 conv2d(3) out = 6\n5 add(2, 4, 3)\n6 concat(5, 3)\n7 shuffle(6) groups = 3\n"
    "8 slice(7) from = 3; count = 6\n9 subsample(8) step = 2\n10 subsample(8) step = 2; from = 1\n"
    "11 add(9, 10)\n12 upsample(11) factor = 2; height = 7; width = 6\n13 mul(8, 12)\n"
    "14 pool(13) kind = \"global_average\"\n15 dense(14) out = 6\n16 activation(15) kind = "
    "\"sigmoid\"\n"
    "17 mul(13, 16)\n18 zero(17)\n19 drop_path(17) probability = 0.2\n20 concat(18, 19, 0)\n"
    "21 dropout(20) rate = 0.5\n22 batch_norm(21)\n23 add(22, 22)\n24 dense(23) out = 5\n";
static const char steps[] = "input 2x3x3\n1 batch_norm(0)\n2 activation(1) kind = \"step\"\n"
                            "3 dense(2) out = 4\n4 dropout(3) rate = 0.5\n";
static const char moved[] =
    "input 2x7x6\n1 conv2d(0) out = 6\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 reshape(3) height = 2; width = 9\n5 transpose(4) order = [2, 0, 1]\n"
    "6 pad(5) before = [0, 1, -1]; after = [-2, 0, 2]; value = 0.25\n7 conv2d(6) out = 6\n"
    "8 batch_norm(7)\n9 softmax(8)\n10 softmax(8) axis = \"rows\"\n"
    "11 softmax(8) axis = \"columns\"\n12 concat(9, 10, 11)\n13 dense(12) out = 4\n"
    "14 softmax(13)\n";
static const char functions[] =
    "input 2x5x4\n1 conv2d(0) out = 8\n2 batch_norm(1)\n3 function(2) a = -0.4; b = 0.7\n"
    "4 conv2d(3) out = 8\n5 function(4) kind = \"hard_sigmoid\"; a = 0.3; b = 0.4\n"
    "6 conv2d(5) out = 8\n7 function(6) kind = \"leaky\"; a = -0.2\n8 conv2d(7) out = 8\n"
    "9 function(8) kind = \"threshold\"; a = 0.1\n10 conv2d(9) out = 8\n"
    "11 function(10) kind = \"elu\"; a = 1.67; b = 1.05\n12 conv2d(11) out = 8\n"
    "13 function(12) kind = \"celu\"; a = 2\n14 conv2d(13) out = 8\n"
    "15 function(14) kind = \"gelu_tanh\"\n16 conv2d(15) out = 8\n17 function(16) kind = \"erf\"\n"
    "18 conv2d(17) out = 8\n19 function(18) kind = \"softplus\"\n20 conv2d(19) out = 8\n"
    "21 function(20) kind = \"softsign\"\n22 dense(21) out = 3\n";
static const char heads[] =
    "input 1x6x6\n1 conv2d(0) out = 4\n2 batch_norm(1)\n3 activation(2) kind = \"relu\"\n"
    "4 pool(3) kind = \"global_average\"\n5 dense(4) out = 3\n6 dense(3) out = 3\n"
    "7 softmax_cross_entropy(6) auxiliary = 0.4\noutput 5\n";

#endif
