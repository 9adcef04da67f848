"""The operations that a deployed model may consist of.

TensorFlow has some 1,900, of which some write and read files, call Python, compile code or end the process. What is not
listed here is refused. "Stateless" in TensorFlow's own registry is no guarantee: `Abort`, `ImmutableConst`, which
maps a file, and `PyFuncStateless` are stateless.
"""

__all__ = ["COMPUTE", "ONNX_DOMAINS", "RESTORE", "SAVE"]

_COMPUTE = """
Abs Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Assert Atan Atan2 Atanh
AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpace BatchToSpaceND BiasAdd BiasAddV1 Bincount
Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo Bucketize Case Cast Ceil CheckNumerics
CheckNumericsV2 Cholesky ClipByValue Complex ComplexAbs Concat ConcatOffset ConcatV2 Conj ConjugateTranspose Const
ControlTrigger Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInputV2 Cos Cosh
CropAndResize Cross Cumprod Cumsum CumulativeLogsumexp DataFormatDimMap DataFormatVecPermute DenseBincount
DepthToSpace DepthwiseConv2dNative Diag DiagPart Digamma Dilation2D Div DivNoNan DynamicPartition DynamicStitch
Einsum Elu EmptyTensorList EnsureShape Equal Erf Erfc Erfinv EuclideanNorm Exp ExpandDims Expm1 ExtractImagePatches
FFT FFT2D Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 GRUBlockCell Gather GatherNd
GatherV2 Greater GreaterEqual HashTableV2 IFFT IFFT2D IRFFT IRFFT2D Identity IdentityN If Imag
ImageProjectiveTransformV2 ImageProjectiveTransformV3 InTopKV2 Inv Invert InvertPermutation IsFinite IsInf IsNan
L2Loss LRN LSTMBlockCell LeakyRelu LeftShift Less LessEqual Lgamma LinSpace Log Log1p LogSoftmax LogicalAnd
LogicalNot LogicalOr LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2 LowerBound MatMul MatrixBandPart
MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixTriangularSolve Max MaxPool MaxPool3D
MaxPoolV2 MaxPoolWithArgmax Maximum Mean Min Minimum MirrorPad Mod Mul MulNoNan MutableHashTableV2 Neg NextAfter
NoOp NotEqual OneHot OnesLike Pack Pad PadV2 ParallelConcat ParallelDynamicStitch PartitionedCall Placeholder
PlaceholderWithDefault Pow PreventGradient Prod RFFT RFFT2D Range Rank ReadVariableOp Real RealDiv Reciprocal Relu
Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor ResourceGather ResourceGatherNd Reverse
ReverseSequence ReverseV2 RightShift Rint Roll Round Rsqrt ScaleAndTranslate ScatterNd SegmentMax SegmentMaxV2
SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentSum SegmentSumV2 Select SelectV2 Selu Shape ShapeN Sigmoid
Sign Sin Sinh Size Slice Snapshot Softmax Softplus Softsign SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV
Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StopGradient
StridedSlice Sub Sum Tan Tanh TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
TensorListScatter TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack TensorScatterAdd
TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile TopK TopKV2
Transpose TruncateDiv TruncateMod Unpack UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
UnsortedSegmentSum UpperBound VarHandleOp VarIsInitializedOp VariableShape Where While Xdivy Xlog1py Xlogy ZerosLike
"""

COMPUTE = frozenset(_COMPUTE.split())
"""What computes from tensors to tensors, reads variables or looks up a table in memory."""

SAVE = frozenset(
    {"DisableCopyOnRead", "MergeV2Checkpoints", "SaveV2", "ShardedFilename", "StaticRegexFullMatch", "StringJoin"}
)
"""What else is in the function that TensorFlow adds to save variables. Serving never runs it."""

RESTORE = frozenset({"AssignVariableOp", "RestoreV2"})
"""What else is in the function that reads `variables/` when the model is loaded."""

ONNX_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Domains of ONNX's own operations, none of which touches a file. Others are extensions of a runtime."""
