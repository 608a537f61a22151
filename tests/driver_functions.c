/* driver_functions.c - which bits a driver's built-in functions have: why operators may differ from device to device (docs/devices.md).
 *
 * For 4096 numbers, counts the results that are not the nearest float and prints a fingerprint of all of them.  No test: OpenCL C allows
 * exp and log 3 and 4 units in the last place.  Run under tests/matrix.sh; the first device of the first platform is asked. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

enum { COUNT = 4096, FUNCTIONS = 7 };

static const char *const names[FUNCTIONS] = {"exp",  "log",   "tanh", "division",
                                             "sqrt", "log1p", "fma"};
static const char *source =
    "__kernel void functions(__global const float *from, __global float *to) {\n"
    "    const int i = get_global_id(0), n = get_global_size(0);\n"
    "    const float x = from[i], p = fabs(x) + 0.125f;\n"
    "    to[i] = exp(x);\n"
    "    to[n + i] = log(p);\n"
    "    to[2 * n + i] = tanh(x);\n"
    "    to[3 * n + i] = x / p;\n"
    "    to[4 * n + i] = sqrt(p);\n"
    "    to[5 * n + i] = log1p(p);\n"
    "    to[6 * n + i] = fma(x, x, -p);\n"
    "}\n";

static float nearest(int function, float x)
{
    const float p = fabsf(x) + 0.125f;
    switch (function) {
    case 0:
        return (float)exp((double)x);
    case 1:
        return (float)log((double)p);
    case 2:
        return (float)tanh((double)x);
    case 3:
        return x / p;
    case 4:
        return sqrtf(p);
    case 5:
        return (float)log1p((double)p);
    default:
        return fmaf(x, x, -p);
    }
}

/* Runs the kernel; OpenCL's error code. */
static cl_int ask(const float *from, float *to, size_t bytes)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int error = clGetPlatformIDs(1, &platform, NULL);
    if (!error)
        error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    if (error)
        return error;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    cl_mem in = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, bytes / FUNCTIONS,
                               (void *)(size_t)from, NULL);
    cl_mem out = clCreateBuffer(context, CL_MEM_WRITE_ONLY, bytes, NULL, NULL);
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, NULL);
    if (!error)
        error = clBuildProgram(program, 1, &device, "-cl-std=CL1.2", NULL, NULL);
    cl_kernel kernel = clCreateKernel(program, "functions", NULL);
    const size_t count = COUNT;
    clSetKernelArg(kernel, 0, sizeof in, &in);
    clSetKernelArg(kernel, 1, sizeof out, &out);
    if (!error)
        error = clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &count, NULL, 0, NULL, NULL);
    return error ? error : clEnqueueReadBuffer(queue, out, CL_TRUE, 0, bytes, to, 0, NULL, NULL);
}

int main(void)
{
    static float from[COUNT], to[FUNCTIONS][COUNT];
    for (int i = 0; i < COUNT; i++)
        from[i] = -8.0f + (float)i / 256 + 1e-4f * (float)(i % 7);
    const cl_int error = ask(from, to[0], sizeof to);
    if (error) {
        fprintf(stderr, "driver_functions: OpenCL error %d\n", error);
        return 3;
    }
    for (int f = 0; f < FUNCTIONS; f++) {
        int other = 0;
        for (int i = 0; i < COUNT; i++)
            other += to[f][i] != nearest(f, from[i]);
        printf("%-8s  %4d of %d not the nearest float, bits %016llx\n", names[f], other, COUNT,
               (unsigned long long)XXH3_64bits(to[f], sizeof to[f]));
    }
    return 0;
}
